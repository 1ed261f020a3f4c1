"""`add --preset help`: which presets there are, and what they ask for."""

import msgspec

from trayapp.cli import output
from trayapp.endpoints.presets import load_presets
from trayapp.endpoints.settings import to_builtins


def print_presets(as_json: bool) -> None:
    """All presets with their placeholders."""
    presets = load_presets()
    if as_json:
        documents = [
            {**msgspec.to_builtins(preset, enc_hook=str), "endpoint": to_builtins(preset.endpoint)}
            for preset in presets
        ]
        output.print_json({"presets": documents})
        return
    for preset in presets:
        output.say(preset.name, f"    {preset.description}")
        if preset.secret:
            output.say(f"    Secret: {preset.secret}")
        for placeholder in preset.placeholders:
            default = f" (without it: {placeholder.default})" if placeholder.default else ""
            output.say(f'    --with {placeholder.name}="{placeholder.example}"  {placeholder.help}{default}')
