"""`aigaq enrol`: from the CSR of a box to a leaf in the national log, two officers in between. Files in, files out."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from aigaq.base import N_, SystemClock
from aigaq.ledger.enrolment.authority import Authority
from aigaq.ledger.enrolment.authority import approve as approve_request
from aigaq.ledger.enrolment.certificates import IssuingAuthority
from aigaq.ledger.enrolment.csr import read_csr
from aigaq.ledger.enrolment.delivery import post_leaf, write_new
from aigaq.ledger.enrolment.describe import describe, describe_request
from aigaq.ledger.enrolment.errors import BadRequestError, OutputError
from aigaq.ledger.enrolment.identity import IdentityKey, fingerprint
from aigaq.ledger.enrolment.requests import (
    EnrolmentRequest,
    read_approval,
    read_request,
    write_approval,
)
from aigaq.ledger.enrolment.roles import Roles, add_role
from aigaq.ledger.enrolment.tpm import HANDLE, TpmKey
from aigaq.ledger.keys import SigningKey

enrol_app = typer.Typer(
    name="enrol",
    help="Who may sign for a station: enrol boxes, revoke them. Two officers of different roles must approve.",
    epilog="station.csr from the box, then: request, approve by two officers, complete, post.",
    no_args_is_help=True,
)

_DAY_MS: Final = 86_400_000


def _file(metavar: str, text: str) -> Any:  # noqa: ANN401 - typer's own
    return typer.Argument(metavar=metavar, help=text, exists=True, dir_okay=False)


Out = Annotated[Path, typer.Option("--out", "-o", help="New file to write; what is there is never overwritten.")]
RolesFile = Annotated[Path, typer.Option("--roles", help="The role keys of the election.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
ROLES: Final = Path("roles.vkeys")


@enrol_app.command()
def roles(
    file: Annotated[Path, typer.Argument(help="The role keys of the election.")] = ROLES,
    *,
    add: Annotated[str | None, typer.Option(metavar="ROLE/POST", help="Make a key for this officer.")] = None,
    key: Annotated[Path | None, typer.Option(help="New file for that officer's private key.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the officers whose approval counts; with --add and --key, make a key for one more."""
    if (add is None) != (key is None):
        raise typer.BadParameter("--add and --key go together")
    if add is not None and key is not None:
        add_role(file, add, key)
    names = Roles.load(file).names
    typer.echo(json.dumps({"roles": names}) if as_json else "\n".join(names))


@enrol_app.command()
def request(
    csr: Annotated[Path, _file("STATION.CSR", "What `aigaq station init` wrote.")],
    *,
    out: Out,
    days: Annotated[int, typer.Option(min=1, max=7, help="How long the box shall be enrolled.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Make the request that officers approve. Compare the fingerprint with the one on the box's screen."""
    text = _text(csr)
    authority = Authority(read_csr(text, str(csr)).election, Roles(()), SystemClock())
    made = authority.request(text, valid_ms=days * _DAY_MS, where=str(csr))
    write_new(out, made.to_json().encode())
    _show(describe_request(made), as_json=as_json)


@enrol_app.command()
def revoke(
    leaf: Annotated[Path, _file("LEAF", "The enrolment, or the delegation of one session key.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it stands in the public log.")],
    out: Out,
    as_json: AsJson = False,
) -> None:
    """Make a request that an enrolment or a session key counts no more, from now on."""
    data = leaf.read_bytes()
    found = describe(data, str(leaf))
    authority = Authority(str(found.get("election", "")), Roles(()), SystemClock())
    made = authority.revocation(data, reason, where=str(leaf))
    write_new(out, made.to_json().encode())
    _show(describe_request(made), as_json=as_json)


@enrol_app.command()
def approve(
    request: Annotated[Path, _file("REQUEST", "What `aigaq enrol request` or `revoke` wrote.")],
    *,
    key: Annotated[Path, typer.Option(help="Your private key.")],
    out: Out,
    roles: RolesFile = ROLES,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; you have looked at the request before.")] = False,
) -> None:
    """Look at a request and sign it as the officer that you are."""
    found = read_request(_text(request), str(request))
    officer = SigningKey.load(key)
    name = Roles.load(roles).name_of(officer)
    _show(describe_request(found), as_json=False)
    if not yes:
        typer.confirm(f"Approve this as {name}?", abort=True, err=True)
    write_new(out, write_approval(approve_request(found, officer, Roles.load(roles))).encode())
    typer.echo(f"Approved as {name}: {out}", err=True)


@enrol_app.command()
def complete(
    request: Annotated[Path, _file("REQUEST", "The request that was approved.")],
    approvals: Annotated[list[Path], _file("APPROVAL…", "Approvals of two different roles.")],
    *,
    out: Out,
    roles: RolesFile = ROLES,
    ca_key: Annotated[Path | None, typer.Option(help="Key of the issuing authority; not for a revocation.")] = None,
    ca_cert: Annotated[Path | None, typer.Option(help="Its certificate.")] = None,
    post: Annotated[str | None, typer.Option(metavar="URL", help="Bring the leaf to this centre at once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the leaf from a request and its approvals. For a box, OUT goes into its data folder as enrolment.cbor."""
    found = read_request(_text(request), str(request))
    given = [read_approval(_text(path), str(path)) for path in approvals]
    authority = Authority(found.values["election"], Roles.load(roles), SystemClock())
    if isinstance(found, EnrolmentRequest):
        if ca_key is None or ca_cert is None:
            raise typer.BadParameter("an enrolment needs --ca-key and --ca-cert")
        certificate, leaf = authority.complete(found, given, IssuingAuthority.load(ca_key, ca_cert))
        write_new(out.with_suffix(".der"), certificate)
    else:
        leaf = authority.revoke(found, given)
    write_new(out, leaf)
    index = post_leaf(post, leaf) if post else None
    _show({**describe(leaf), **({} if index is None else {"index": index})}, as_json=as_json)


@enrol_app.command()
def post(
    leaf: Annotated[Path, _file("LEAF", "An enrolment, a delegation or a revocation.")],
    *,
    to: Annotated[str, typer.Option(metavar="URL", help="Address of the centre.")],
    as_json: AsJson = False,
) -> None:
    """Bring a leaf to the centre; anyone may, and twice does no harm."""
    index = post_leaf(to, leaf.read_bytes())
    typer.echo(json.dumps({"index": index}) if as_json else f"Entry {index} of the national log.")


@enrol_app.command()
def show(
    file: Annotated[Path, _file("FILE", "A CSR, request, approval or leaf.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say what a file of an enrolment holds."""
    _show(describe(file.read_bytes(), str(file)), as_json=as_json)


@enrol_app.command("tpm-key")
def tpm_key(
    file: Annotated[Path, typer.Argument(help="New key file, for example data/identity.key of a box.")],
    *,
    handle: Annotated[str, typer.Option(help="Where in the TPM the key is kept.")] = f"{HANDLE:#x}",
    as_json: AsJson = False,
) -> None:
    """Make an identity key that never leaves this machine's TPM 2.0; the file only names it. Needs tpm2-tools.

    TPM2TOOLS_TCTI says how to reach the TPM, if not by /dev/tpmrm0. Exit codes: 0 made · 1 the TPM refuses, or the file
    is there already.
    """
    try:
        place = int(handle, 16)
    except ValueError as error:
        raise typer.BadParameter("a handle is a hexadecimal number, for example 0x81016169") from error
    if file.exists():
        raise OutputError(str(file), problem=N_("the file exists already"))
    TpmKey.create(file, handle=place)
    shown = fingerprint(IdentityKey.load(file).point)
    typer.echo(json.dumps({"key": str(file), "fingerprint": shown}) if as_json else shown)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadRequestError(str(path), problem=N_("it is not text")) from error


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        typer.echo(f"{name}: {json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value}")
