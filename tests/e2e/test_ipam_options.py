"""What --ipam-opt promises, on the real engine: under viaduct's networks and under the engine's own driver."""

import ipaddress


def test_a_released_address_rests_and_its_mac_gets_it_back(stack):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    fixed = ("--mac-address", "02:42:ac:11:00:77")
    stack.run("one", "net", *fixed)
    former = stack.address("one", "net")
    stack.docker("rm", "-f", "one")
    stack.run("two", "net")
    assert stack.address("two", "net") != former, "it is in quarantine"
    stack.run("three", "net", *fixed)
    assert stack.address("three", "net") == former


def test_excluded_addresses_and_the_lowest_policy(stack):
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/28", "--ipam-opt", f"exclude={subnet}.2-{subnet}.9", "--ipam-opt", "policy=lowest",
                  "--ipam-opt", "quarantine=0", "--ipam-opt", "sticky=0")
    stack.run("one", "net")
    assert stack.address("one", "net") == f"{subnet}.10"
    stack.docker("rm", "-f", "one")
    stack.run("two", "net")
    assert stack.address("two", "net") == f"{subnet}.10"
    stack.run("three", "net", "--ip", f"{subnet}.5")
    assert stack.pings("three", f"{subnet}.10")


def test_a_full_subnet_spills_into_the_next(stack):
    first, second = stack.subnet(), stack.subnet()
    stack.network("net", "--subnet", f"{first}.0/30", "--subnet", f"{second}.0/29", "--ipam-opt", f"spill={second}.0/29")
    for name in ("one", "two"):
        stack.run(name, "net")
    assert stack.address("one", "net") == f"{first}.2"
    spilled = ipaddress.ip_address(stack.address("two", "net"))
    assert spilled in ipaddress.ip_network(f"{second}.0/29")
    assert stack.pings("two", f"{second}.1"), "the gateway of its own subnet"
    assert stack.pings("two", f"{first}.2"), "through the host's bridge"
    stack.docker("restart", "-t", "0", "two")
    assert ipaddress.ip_address(stack.address("two", "net")) in ipaddress.ip_network(f"{second}.0/29")


def test_an_unknown_option_and_a_full_pool_say_what_to_do(stack):
    refused = stack.network("bad", "--ipam-opt", "polcy=lowest", check=False)
    assert refused.returncode != 0 and 'did you mean \"policy\"' in refused.stderr
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/30")
    stack.run("one", "net")
    full = stack.docker("run", "-d", "--name", "two", "--network", "net", "viaduct-busybox", "true", check=False)
    assert full.returncode != 0 and "2 of 2 are held" in full.stderr


def test_under_the_engines_own_driver(stack):
    subnet = stack.subnet()
    stack.docker("network", "create", "-d", "bridge", "--ipam-driver", stack.driver.name, "--subnet", f"{subnet}.0/24",
                 "--ipam-opt", f"exclude={subnet}.2-{subnet}.99", "net")
    stack.run("one", "net")
    former = stack.address("one", "net")
    assert former == f"{subnet}.100"
    stack.docker("rm", "-f", "one")
    stack.run("two", "net")
    assert stack.address("two", "net") == f"{subnet}.101", "the released one rests"
