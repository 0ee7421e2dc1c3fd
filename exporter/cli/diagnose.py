"""`xenha diagnose`: on which hosts a VM could run, and what stands against the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from exporter.cli.exits import Exit
from exporter.cli.options import Account, Json, Source
from exporter.cli.output import Line, Part, Table, print_json, show
from exporter.cli.sources import look
from exporter.cli.words import count, listed
from exporter.names import called, host_name, host_names, vm_name
from planner.agility import Obstacle, Reach, obstacles
from planner.errors import InputError
from planner.model import VM, Pool

Vm = Annotated[
    list[str] | None,
    typer.Option(
        "--vm",
        metavar="VM",
        help="A VM by uuid or unique name, may be given several times; default: protected VMs not agile.",
        show_default=False,
    ),
]


class UnknownVMError(InputError):
    """A VM is asked for that the pool does not have, or by a name that several have."""

    def __init__(self, vm: str, found: Sequence[VM]) -> None:
        if found:
            problem = f"{len(found)} VMs have this name; use a uuid: {listed([each.uuid for each in found])}"
        else:
            problem = "no such VM; expected a VM's uuid or unique name"
        super().__init__(f"--vm {vm}: {problem}")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Where a VM could run: `candidates` by uuid; for other hosts in service what stands `against` it."""

    vm: VM
    agile: bool
    candidates: tuple[str, ...]
    against: tuple[tuple[str, tuple[Obstacle, ...]], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "xenha-diagnosis/1",
            "vm": self.vm.uuid,
            "agile": self.agile,
            "candidate_hosts": list(self.candidates),
            "obstacles": [
                {"host": host, "kind": obstacle.kind, "uuid": obstacle.uuid or None}
                for host, found in self.against
                for obstacle in found
            ],
            "unagile_because": list(self.vm.unagile_because),
        }


def diagnose(
    source: Source,
    *,
    vm: Vm = None,
    json: Json = False,
    account: Account,
) -> int:
    """Say where a VM could run, and what stands against elsewhere.

    A VM that every host in service could start is agile; memory is not looked at here.

    \b
    Examples:
      xenha diagnose demo:
      xenha diagnose pool.json --vm licence-server --json
    """
    pool = look(source, account.credentials()).pool
    diagnoses = [diagnosis(pool, each) for each in _chosen(pool, vm or [])]
    if json:
        for each in diagnoses:
            print_json(each.to_json())
    else:
        show(_parts(pool, diagnoses))
    return Exit.DONE


def diagnosis(pool: Pool, vm: VM) -> Diagnosis:
    """Return where `vm` could run, memory aside."""
    found = tuple((host.uuid, obstacles(pool, vm, host)) for host in pool.hosts_in_service)
    return Diagnosis(
        vm=vm,
        agile=not any(against for _, against in found),
        candidates=tuple(host for host, against in found if not against),
        against=tuple((host, against) for host, against in found if against),
    )


def _chosen(pool: Pool, wanted: Sequence[str]) -> list[VM]:
    if wanted:
        return list(dict.fromkeys(_vm(pool, each) for each in wanted))
    reach = Reach(pool)
    return [vm for vm in pool.protected_vms if not reach.agile(vm)]


def _vm(pool: Pool, wanted: str) -> VM:
    by_uuid = pool.vm_by_uuid.get(wanted)
    if by_uuid:
        return by_uuid
    found = [vm for vm in pool.vms if vm.name == wanted]
    if len(found) != 1:
        raise UnknownVMError(wanted, found)
    return found[0]


def _parts(pool: Pool, diagnoses: Sequence[Diagnosis]) -> Iterator[Part]:
    if not diagnoses:
        yield Line("Every protected VM is agile", "good")
    for each in diagnoses:
        yield from _vm_parts(pool, each)


def _vm_parts(pool: Pool, found: Diagnosis) -> Iterator[Part]:
    name = vm_name(pool, found.vm.uuid)
    if found.agile:
        yield Line(f"{name} is agile: every host in service could start it", "good")
        return
    names = listed(host_names(pool, found.candidates)) or "no host"
    yield Line(f"{name} is not agile: it could start on {names}", "open")
    for reason in found.vm.unagile_because:
        yield Line(f"  {reason}")
    rows = tuple(
        (host_name(pool, host), "; ".join(_words(pool, obstacle) for obstacle in against))
        for host, against in found.against
    )
    if rows:
        yield Table(("not on", f"because ({count(len(rows), 'host')})"), rows)


def _words(pool: Pool, obstacle: Obstacle) -> str:
    if obstacle.kind == "sr":
        return f"does not reach SR {called(pool.sr_by_uuid[obstacle.uuid])}"
    if obstacle.kind == "network":
        return f"does not reach network {called(pool.network_by_uuid[obstacle.uuid])}"
    return "is not among the hosts the VM is restricted to"
