"""Which endpoints a command means: by id or name, by tag, or all."""

from collections.abc import Sequence

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.errors import UserError
from trayapp.messages import NOTHING, listing, say


def find(settings: Settings, name: str) -> Endpoint:
    """The endpoint with that id, or else with that name. UserError when there is none, or several are named so."""
    found = settings.find(name)
    if found is not None:
        return found
    named = [each for each in settings.endpoint if each.name == name]
    if not named:
        known = ", ".join(each.id for each in settings.endpoint)
        raise UserError(
            say("There is no endpoint “{name}”", name=name),
            say("There are: {known}.", known=known) if known else say("There are no endpoints yet."),
            say("See `traysync endpoints`.") if known else say("Add one with `traysync add URL`."),
        )
    if len(named) > 1:
        raise UserError(
            say("{count} endpoints are named “{name}”", count=len(named), name=name),
            say("Their ids are {ids}.", ids=listing(tuple(each.id for each in named))),
            say("Use the id of the one you mean."),
        )
    return named[0]


def choose(settings: Settings, names: Sequence[str], tags: Sequence[str]) -> list[Endpoint]:
    """The endpoints with these ids or names, and those with any of these tags, each once. UserError if unknown."""
    chosen = {each.id: each for each in (find(settings, name) for name in names)}
    for tag in tags:
        tagged = [each for each in settings.endpoint if tag in each.tags]
        if not tagged:
            known = ", ".join(dict.fromkeys(tag for each in settings.endpoint for tag in each.tags))
            raise UserError(
                say("No endpoint has the tag “{tag}”", tag=tag),
                say("There are: {known}.", known=known) if known else say("There are no tags yet."),
                NOTHING
                if known
                else say("Add one with: {command}", command="traysync edit ID --set 'tags=[\"NAME\"]'"),
            )
        chosen |= {each.id: each for each in tagged}
    return list(chosen.values())
