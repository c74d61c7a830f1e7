"""The set-ups that are made once with each driver, and the points that are looked at in each.

A set-up is a function of a Scene; its points are told in one order, and all of them are "not offered" when what it makes is
refused. GROUPS names them as the table does.
"""

from lab import OUTSIDE4, OUTSIDE6, UPLINK4, UPLINK6
from flat_lan import LAN, LAN6, NIC
from scene import HOST, LAN_HOST, OUTSIDE, NotOffered

DUAL = ("--ipv6", "--subnet", "10.60.1.0/24", "--subnet", "fd60:1::/64")
OTHER_DUAL = ("--ipv6", "--subnet", "10.60.2.0/24", "--subnet", "fd60:2::/64")
FAR_DUAL = ("--ipv6", "--subnet", "10.60.3.0/24", "--subnet", "fd60:3::/64")
BRIDGE = "com.docker.network.bridge."
HOST_PORT = 7000   # a server of the host's own


def neighbours(scene):
    """Containers of one network, the gateway, the host, the outside."""
    scene.network("net", *DUAL)
    scene.run("server", "net", serves=("tcp:80", "udp:80"))
    scene.run("client", "net")
    scene.serve(HOST, f"tcp:{HOST_PORT}", f"udp:{HOST_PORT}")
    scene.connects("client → server by its name", ("exec", "client", "ping", "-c1", "-W3", "server"))
    scene.ask("client", {
        "client → server": ("tcp", scene.address("server"), 80),
        "client → server, UDP": ("udp", scene.address("server"), 80),
        "client → server, IPv6": ("tcp", scene.address("server", 6), 80),
        "client → the gateway address": ("tcp", scene.gateway("net"), HOST_PORT),
        "client → the gateway address, IPv6": ("tcp", scene.gateway("net", 6), HOST_PORT),
        "client → the host's address": ("tcp", UPLINK4, HOST_PORT),
        "client → the host's address, UDP": ("udp", UPLINK4, HOST_PORT),
        "client → the host's address, IPv6": ("tcp", UPLINK6, HOST_PORT),
        "client → outside": ("tcp", OUTSIDE4, 80),
        "client → outside, UDP": ("udp", OUTSIDE4, 7),
        "client → outside, IPv6": ("tcp", OUTSIDE6, 80),
    })
    scene.ask(HOST, {"the host → server": ("tcp", scene.address("server"), 80),
                     "the host → server, IPv6": ("tcp", scene.address("server", 6), 80)})
    scene.ask(OUTSIDE, {"outside → server's own address": ("tcp", scene.address("server"), 80),
                        "outside → server's own address, IPv6": ("tcp", scene.address("server", 6), 80)})


def other_networks(scene):
    """A second network of the driver, and the engine's own bridge."""
    scene.network("net", *DUAL)
    scene.network("other", *OTHER_DUAL)
    scene.run("server", "net", serves=("tcp:80",))
    scene.run("stranger", "other", serves=("tcp:80",))
    scene.run("on-docker0", "bridge", serves=("tcp:80",))
    scene.serve(HOST, f"tcp:{HOST_PORT}")
    scene.ask("stranger", {
        "stranger (another network) → server": ("tcp", scene.address("server"), 80),
        "stranger → server, IPv6": ("tcp", scene.address("server", 6), 80),
        "stranger → the gateway address of server's network": ("tcp", scene.gateway("net"), HOST_PORT),
    })
    scene.ask("on-docker0", {"container of docker0 → server": ("tcp", scene.address("server"), 80)})
    scene.ask("server", {"server → container of docker0": ("tcp", scene.address("on-docker0"), 80)})
    scene.settle()
    scene.engine.docker("network", "connect", "other", "server")
    scene.ask("stranger", {"stranger → server's address in net, once server is in both": ("tcp", "10.60.1.2", 80),
                           "stranger → server's address in other, once server is in both":
                               ("tcp", scene.engine.inspect("container", "server")["NetworkSettings"]["Networks"]["other"]["IPAddress"],
                                80)})


def closed_to_neighbours(scene):
    """enable_icc=false."""
    scene.network("net", *DUAL, "-o", BRIDGE + "enable_icc=false")
    scene.run("server", "net", serves=("tcp:80",))
    scene.run("client", "net")
    scene.ask("client", {"client → server": ("tcp", scene.address("server"), 80),
                         "client → server, IPv6": ("tcp", scene.address("server", 6), 80),
                         "client → outside": ("tcp", OUTSIDE4, 80)})
    scene.ask(HOST, {"the host → server": ("tcp", scene.address("server"), 80)})


def internal(scene):
    """--internal."""
    scene.network("net", *DUAL, "--internal")
    scene.network("other", *OTHER_DUAL)
    scene.run("server", "net", serves=("tcp:80",))
    scene.run("client", "net")
    scene.run("stranger", "other")
    scene.serve(HOST, f"tcp:{HOST_PORT}")
    scene.ask("client", {"client → server": ("tcp", scene.address("server"), 80),
                         "client → server, IPv6": ("tcp", scene.address("server", 6), 80),
                         "client → the gateway address": ("tcp", scene.gateway("net"), HOST_PORT),
                         "client → the host's address": ("tcp", UPLINK4, HOST_PORT),
                         "client → outside": ("tcp", OUTSIDE4, 80),
                         "client → outside, IPv6": ("tcp", OUTSIDE6, 80)})
    scene.ask("stranger", {"stranger (another network) → server": ("tcp", scene.address("server"), 80)})
    scene.ask(HOST, {"the host → server": ("tcp", scene.address("server"), 80)})
    scene.ask(OUTSIDE, {"outside → server's own address": ("tcp", scene.address("server"), 80)})


def unmasqueraded(scene):
    """enable_ip_masquerade=false; the outside has a route to the subnet."""
    scene.network("net", *DUAL, "-o", BRIDGE + "enable_ip_masquerade=false")
    scene.run("client", "net", serves=("tcp:80",))
    scene.ask("client", {"client → outside": ("tcp", OUTSIDE4, 80), "client → outside, UDP": ("udp", OUTSIDE4, 7),
                         "client → outside, IPv6": ("tcp", OUTSIDE6, 80)})
    scene.ask(OUTSIDE, {"outside → client's own address": ("tcp", scene.address("client"), 80)})


def published(scene):
    """-p, -P; who reaches the ports from where, and whom the server sees."""
    far = "viaduct" if scene.driver == "bridge" else "bridge"
    scene.network("net", *DUAL)
    scene.network("other", *OTHER_DUAL)
    scene.network("far", *FAR_DUAL, driver=far)
    scene.run("server", "net", "-p", "8080:80", "-p", "8080:80/udp", "-p", "127.0.0.1:8090:80", "-p", f"{UPLINK4}:8091:80",
              "-p", f"[{UPLINK6}]:8092:80", "-p", "8100-8102:80-82", "-P", "--expose", "83",
              serves=("tcp:80", "udp:80", "tcp:81", "tcp:82", "tcp:83", "tcp:84"))
    chosen = scene.chosen_port("server", 83)
    for name, network in (("client", "net"), ("stranger", "other"), ("far-one", "far"), ("on-docker0", "bridge")):
        scene.run(name, network)
    scene.ask(OUTSIDE, {
        "outside → -p 8080:80": ("tcp", UPLINK4, 8080),
        "outside → -p 8080:80/udp": ("udp", UPLINK4, 8080),
        "outside → -p 8080:80, IPv6": ("tcp", UPLINK6, 8080),
        "outside → -p 8080:80/udp, IPv6": ("udp", UPLINK6, 8080),
        "outside → -p 127.0.0.1:8090:80": ("tcp", UPLINK4, 8090),
        "outside → -p HOST:8091:80": ("tcp", UPLINK4, 8091),
        "outside → -p HOST:8091:80 at the host's IPv6 address": ("tcp", UPLINK6, 8091),
        "outside → -p [HOST6]:8092:80": ("tcp", UPLINK6, 8092),
        "outside → -p 8100-8102:80-82, the last": ("tcp", UPLINK4, 8102),
        "outside → -P": ("tcp", UPLINK4, chosen),
        "outside → server's own address, a published port": ("tcp", scene.address("server"), 80),
        "outside → server's own address, an unpublished port": ("tcp", scene.address("server"), 84),
        "outside → server's own IPv6 address, a published port": ("tcp", scene.address("server", 6), 80),
    })
    scene.ask(HOST, {
        "the host → its own address": ("tcp", UPLINK4, 8080),
        "the host → its own address, UDP": ("udp", UPLINK4, 8080),
        "the host → its own address, IPv6": ("tcp", UPLINK6, 8080),
        "the host → 127.0.0.1": ("tcp", "127.0.0.1", 8080),
        "the host → 127.0.0.1, UDP": ("udp", "127.0.0.1", 8080),
        "the host → -p 127.0.0.1:8090:80": ("tcp", "127.0.0.1", 8090),
        "the host → ::1": ("tcp", "::1", 8080),
    })
    for place, words in (("server", "server itself"), ("client", "container of the same network"),
                         ("stranger", "container of another network of the driver"), ("on-docker0", "container of docker0")):
        scene.ask(place, {f"{words} → the host's address": ("tcp", UPLINK4, 8080),
                          f"{words} → the host's address, UDP": ("udp", UPLINK4, 8080),
                          f"{words} → the gateway address of server's network": ("tcp", scene.gateway("net"), 8080)})
    scene.ask("far-one", {"container of a network of the other driver → the host's address": ("tcp", UPLINK4, 8080)})
    scene.ask("client", {"container of the same network → the host's IPv6 address": ("tcp", UPLINK6, 8080)})
    scene.serve(HOST, f"tcp:{HOST_PORT}")
    run = ("run", "-d", "--network", "net", "--name")
    sleeps = ("viaduct-busybox", "sleep", "60")
    scene.connects("a second container with -p 8080:80", (*run, "second", "-p", "8080:80", *sleeps))
    scene.connects("a container with a port that a program of the host has", (*run, "third", "-p", f"{HOST_PORT}:80", *sleeps))
    scene.engine.docker("rm", "-f", "server")
    scene.connects("-p 8080:80 once the first container is gone", (*run, "fourth", "-p", "8080:80", *sleeps))


def gateway_mode(mode):
    """gateway_mode_ipv4 and _ipv6, with -p 8080:80."""
    def setup(scene):
        if scene.driver == "bridge" and float(scene.engine.version) < GATEWAY_MODES[mode]:
            raise NotOffered("the label is not known to this engine's bridge, which ignores what it does not know")
        extra = ("--internal",) if mode == "isolated" else ()
        scene.network("net", *DUAL, *extra, "-o", f"{BRIDGE}gateway_mode_ipv4={mode}", "-o", f"{BRIDGE}gateway_mode_ipv6={mode}")
        ports = () if mode == "isolated" else ("-p", "8080:80")
        scene.run("server", "net", *ports, serves=("tcp:80", "tcp:84"))
        scene.run("client", "net")
        scene.serve(HOST, f"tcp:{HOST_PORT}")
        scene.ask(OUTSIDE, {
            "outside → the host's address": ("tcp", UPLINK4, 8080),
            "outside → server's own address, the published port": ("tcp", scene.address("server"), 80),
            "outside → server's own address, an unpublished port": ("tcp", scene.address("server"), 84),
            "outside → server's own IPv6 address, the published port": ("tcp", scene.address("server", 6), 80),
        })
        scene.ask(HOST, {"the host → server's own address": ("tcp", scene.address("server"), 84)})
        scene.ask("client", {"client → server": ("tcp", scene.address("server"), 84),
                             "client → the gateway address": ("tcp", scene.gateway("net"), HOST_PORT),
                             "client → outside": ("tcp", OUTSIDE4, 80),
                             "client → outside, IPv6": ("tcp", OUTSIDE6, 80)})
    setup.__doc__ = f"gateway_mode_ipv4={mode} and gateway_mode_ipv6={mode}" + (", --internal" if mode == "isolated" else ", -p 8080:80")
    return setup


def on_a_lan(scene):
    """Containers as hosts of the LAN behind a link: the engine's macvlan, and viaduct's mode=vlan."""
    scene.lan()
    driver, words = ("macvlan", ()) if scene.driver == "bridge" else ("viaduct", ("-o", "mode=vlan"))
    words = (*words, "-o", f"parent={NIC}")
    scene.network("net", "--ipv6", "--subnet", f"{LAN}.0/24", "--gateway", f"{LAN}.1", "--subnet", f"{LAN6}:/64", "--gateway", f"{LAN6}:1",
                  *words, driver=driver)
    scene.run("server", "net", serves=("tcp:80", "udp:80"))
    scene.run("client", "net")
    scene.serve(HOST, f"tcp:{HOST_PORT}")
    scene.serve(LAN_HOST, f"tcp:{HOST_PORT}", f"udp:{HOST_PORT}")
    scene.connects("client → server by its name", ("exec", "client", "ping", "-c1", "-W3", "server"))
    scene.ask("client", {
        "client → server": ("tcp", scene.address("server"), 80),
        "client → server, IPv6": ("tcp", scene.address("server", 6), 80),
        "client → host of the LAN": ("tcp", f"{LAN}.1", HOST_PORT),
        "client → host of the LAN, UDP": ("udp", f"{LAN}.1", HOST_PORT),
        "client → host of the LAN, IPv6": ("tcp", f"{LAN6}:1", HOST_PORT),
        "client → the host's address": ("tcp", UPLINK4, HOST_PORT),
    })
    scene.ask(LAN_HOST, {
        "host of the LAN → server": ("tcp", scene.address("server"), 80),
        "host of the LAN → server, UDP": ("udp", scene.address("server"), 80),
        "host of the LAN → server, IPv6": ("tcp", scene.address("server", 6), 80),
    })
    scene.ask(HOST, {"the host → server": ("tcp", scene.address("server"), 80)})
    ipam = () if driver == "macvlan" else ("--ipam-driver", "viaduct")
    scene.connects("a second network on the same link", ("network", "create", "-d", driver, *ipam, "--subnet", "10.60.1.0/24", *words, "second"))


# The engine from which on the built-in driver bridge has the mode.
GATEWAY_MODES = {"nat": 27.0, "nat-unprotected": 27.4, "routed": 27.0, "isolated": 28.0}

GROUPS = {
    "one network": neighbours,
    "several networks": other_networks,
    "no talk among neighbours": closed_to_neighbours,
    "internal network": internal,
    "no masquerading": unmasqueraded,
    "published ports": published,
    "a LAN": on_a_lan,
    **{f"gateway mode {mode}": gateway_mode(mode) for mode in GATEWAY_MODES},
}
