"""The Wi-Fi's name in what the systems' tools print."""

from trayapp.desktop.machine.wifi import ipconfig, netsh

NETSH = """
There is 1 interface on the system:

    Name                   : WLAN
    State                  : connected
    SSID                   : Grüne Wiese
    BSSID                  : aa:bb:cc:dd:ee:ff
"""
SUMMARY = """<dictionary> {
  InterfaceType : WiFi
  LinkStatusActive : TRUE
  NetworkID : ABC
  SSID : Home : upstairs
}"""


def test_wifi_names_in_what_the_tools_print() -> None:
    assert netsh.parsed(NETSH) == "Grüne Wiese"
    assert netsh.parsed("There is no wireless interface on the system.") == ""
    assert netsh.parsed(None) is None
    assert ipconfig.parsed(SUMMARY) == "Home : upstairs"
    assert ipconfig.parsed(SUMMARY.replace("Home : upstairs", "<redacted>")) is None
    assert ipconfig.parsed(None) is None
