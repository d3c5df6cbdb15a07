"""The filter, run by an interpreter of the kernel's rules."""

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.sandbox.seccomp import METADATA, NEVER, NO_NETWORK, NUMBERS, Machine, filter_program

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x50001, 0x50026, 0x80000000
ARCH: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
MACHINES: tuple[Machine, ...] = ("x86_64", "aarch64")
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def run(program: bytes, arch: int, number: int, *args: int) -> int:
    """The verdict on one call."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *args, *[0] * (6 - len(args)))
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("<HBBI", program, at * 8)
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x54:
            accumulator &= value
        elif code == 0x06:
            return value
        else:
            test = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            at += if_true if test else if_false


def verdict(machine: Machine, name: str, *args: int, network: bool = False, freeze_metadata: bool = False) -> int:
    program = filter_program(machine, network=network, freeze_metadata=freeze_metadata)
    return run(program, ARCH[machine], NUMBERS[machine][name], *args)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("network", [False, True])
def test_what_is_never_allowed_is_refused(machine: Machine, network: bool) -> None:
    for name in NEVER:
        assert verdict(machine, name, network=network) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_addresses_are_refused_without_network_only(machine: Machine) -> None:
    for name in NO_NETWORK:
        assert verdict(machine, name) == EPERM
        assert verdict(machine, name, network=True) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_metadata_is_frozen_only_where_asked(machine: Machine) -> None:
    for name in METADATA:
        if name in NUMBERS[machine]:
            assert verdict(machine, name, freeze_metadata=True) == EPERM
            assert verdict(machine, name) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@given(family=st.integers(0, 50), kind=st.integers(0, 7), flags=st.sampled_from([0, 0o4000, 0o2000000]))
def test_without_network_only_stream_like_unix_sockets_exist(
    machine: Machine, family: int, kind: int, flags: int
) -> None:
    expected = ALLOW if family == 1 and kind in (1, 5) else EPERM
    assert verdict(machine, "socket", family, kind | flags) == expected
    assert verdict(machine, "socketpair", family, kind | flags) == expected


@pytest.mark.parametrize("machine", MACHINES)
@given(family=st.integers(0, 50), kind=st.integers(0, 7))
def test_with_network_the_usual_families_exist(machine: Machine, family: int, kind: int) -> None:
    assert verdict(machine, "socket", family, kind, network=True) == (ALLOW if family in (1, 2, 10, 16) else EPERM)
    assert verdict(machine, "socketpair", family, kind, network=True) == (ALLOW if family == 1 else EPERM)


NAMESPACES = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]


@pytest.mark.parametrize("machine", MACHINES)
@given(flags=st.integers(0, 2**32 - 1))
def test_no_new_namespaces(machine: Machine, flags: int) -> None:
    new = any(flags & flag for flag in NAMESPACES)
    assert verdict(machine, "clone", flags) == (EPERM if new else ALLOW)
    assert verdict(machine, "unshare", flags) == (EPERM if new or flags & 0x80 else ALLOW)
    assert verdict(machine, "clone3", flags) == ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@given(address=st.sampled_from([0, 1, 2**31, 2**32, 2**32 + 1, 2**63]) | st.integers(0, 2**64 - 1))
def test_send_without_an_address_stays(machine: Machine, address: int) -> None:
    assert verdict(machine, "sendto", 3, 0, 0, 0, address) == (EPERM if address else ALLOW)
    assert verdict(machine, "sendto", 3, 0, 0, 0, address, network=True) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@given(request=st.sampled_from([0x5412, 0x541C]) | st.integers(0, 2**32 - 1), high=st.integers(0, 2**32 - 1))
def test_nobody_types_into_a_terminal(machine: Machine, request: int, high: int) -> None:
    expected = EPERM if request in (0x5412, 0x541C) else ALLOW
    assert verdict(machine, "ioctl", 0, request | high << 32) == expected


@pytest.mark.parametrize("machine", MACHINES)
@given(arch=st.integers(0, 2**32 - 1), number=st.integers(0, 500))
def test_other_architectures_are_killed(machine: Machine, arch: int, number: int) -> None:
    program = filter_program(machine, network=True)
    if arch != ARCH[machine]:
        assert run(program, arch, number) == KILL


@given(number=st.integers(0x40000000, 2**32 - 1))
def test_the_other_calls_of_x86_do_not_exist(number: int) -> None:
    assert run(filter_program("x86_64", network=True), ARCH["x86_64"], number) == ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 500))
def test_what_is_not_listed_is_allowed(machine: Machine, number: int) -> None:
    if number not in NUMBERS[machine].values():
        assert run(filter_program(machine, network=False, freeze_metadata=True), ARCH[machine], number) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernel_headers(machine: Machine) -> None:
    header = HEADERS[machine]
    if not header.exists():
        pytest.skip(f"{header} is not installed")
    text = header.read_text()
    known = {
        name: int(number) for name, number in re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", text, re.MULTILINE)
    }
    ours = NUMBERS[machine]
    assert {name: known[name] for name in ours if name in known} == {name: ours[name] for name in ours if name in known}
    assert len([name for name in ours if name in known]) > 50
