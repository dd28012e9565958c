"""Makes the picture of the live page for the README.

C{python -m tests.live.screenshot docs/page.png}: two nodes in namespaces of their own,
a failover, and the page of the one that took over. It needs root and Chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from hanode.rehearsal.namespaces import Bridge, Host
from tests.live.case import until
from tests.live.daemons import Hanode
from tests.live.test_page import ADDRESS, PORT, SESSION, STATE, Remote

NODE = """vrrp_script web {{
    script "/bin/true"
    interval 1
    weight 20
}}
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    version 3
    advert_int 0.1
    priority {priority}
    virtual_ipaddress {{
        192.0.2.100/24
        192.0.2.101/24
    }}
    track_script {{
        web
    }}
}}
vrrp_instance VI_2 {{
    interface eth0
    virtual_router_id 52
    version 3
    advert_int 0.1
    priority {other}
    virtual_ipaddress {{
        192.0.2.102/24
    }}
}}
virtual_server 192.0.2.100 80 {{
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    delay_loop 1
    real_server 192.0.2.99 80 {{
        PING_CHECK {{
        }}
    }}
    real_server 192.0.2.2 81 {{
        TCP_CHECK {{
        }}
    }}
}}
hanode {{
    dataplane memory
}}
"""
MINUTE = """(span => { span.value = '60'; span.dispatchEvent(new Event('input'));
    return true; })(document.getElementById('span'))"""
SIZE = (1180, 1250)


def picture(folder: Path, path: str) -> None:
    """Two nodes on a bridge; C{path} is where the picture goes."""
    bridge, hosts, daemons = Bridge(), [], []
    try:
        for number, name in ((1, "lb1"), (2, "lb2"), (99, "web")):
            host = Host(name)
            hosts.append(host)
            bridge.connect(host, "eth0", f"192.0.2.{number}/24")
        for host, mine, theirs in ((hosts[0], 150, 100), (hosts[1], 100, 150)):
            peer = 2 if host is hosts[0] else 1
            text = NODE.format(priority=mine, other=theirs) + SESSION.format(peer)
            daemon = Hanode(host, folder / host.name, text)
            daemons.append(daemon)
            daemon.http = f"tcp:{PORT}:interface=127.0.0.1"
            daemon.start()
        until(lambda: "192.0.2.100/24" in hosts[0].addresses("eth0"), 15.0)
        daemons[1].log.wait_for("http starting on")
        browser = Remote(hosts[1])
        try:
            browser("open", ADDRESS)
            browser.until(STATE.format("BACKUP"))
            daemons[0].kill()
            browser.until(STATE.format("MASTER"))
            browser.until("document.querySelectorAll('#events tbody tr').length > 8")
            browser.until(MINUTE)
            browser("size", *SIZE)
            browser("shot", path)
        finally:
            browser.close()
    finally:
        for daemon in daemons:
            daemon.end()
        for host in hosts:
            host.close()
        bridge.close()


def main() -> None:
    """Make it, and clean up."""
    folder = Path(tempfile.mkdtemp())
    try:
        picture(folder, str(Path(sys.argv[1]).resolve()))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
