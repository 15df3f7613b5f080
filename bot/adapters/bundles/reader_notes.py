"""The page inside each bundle that says what it is and how to check it without Andon."""

from __future__ import annotations

from bot.domain.bundles import Label

_FILES = (
    ("subject.json", "what this bundle is about, and which records belong to it"),
    ("incidents.jsonl timeline.jsonl", "incidents and their history"),
    ("events.jsonl", "requests and orders as they came in"),
    ("decisions.jsonl", "the answer to each, with the alert it judged and what each criterion said"),
    ("runs.jsonl", "what was done, by which plan, step by step, with what came back"),
    ("approvals.jsonl escalations.jsonl watches.jsonl", "who allowed it, who was called, how it held"),
    ("policies.jsonl policies/", "the policies and playbooks that decided, as they were written"),
    ("releases.jsonl walks.jsonl live.jsonl known_versions.jsonl", "versions, and their way through the stages"),
    ("manifests.jsonl", "objective, digests of model and configuration, data schema, feature steps, environment"),
    ("pins.jsonl", "the policy, playbooks and files that were in force at the start of a release"),
    ("gate_results.jsonl signatures.jsonl unplanned_dependencies.jsonl", "verdicts of gates, and who signed"),
    ("evidence.jsonl files/", "the evidence that verdicts rest on, raw, by SHA-256; attached files too"),
    ("canaries.jsonl canary_points.jsonl", "the comparison of candidate and incumbent"),
    ("observations.jsonl affected.jsonl", "digests of the observations, and how many predictions differed"),
    ("report.jsonl minutes.jsonl minute_changes.jsonl meetings.jsonl", "what people said and promised"),
    ("notices.jsonl threads.jsonl", "what people were told, in which words, and where"),
    ("postmortems.jsonl postmortem_sections.jsonl postmortem_comments.jsonl", "the account that people wrote of it"),
    ("lessons.jsonl sign_offs.jsonl", "what was learned from it, and who signed the account"),
    ("drills.jsonl", "the rehearsal that it belongs to, where it is one"),
    ("audit.jsonl", "the audit trail of all this, each row with its place in the chain"),
    ("audit_chain.jsonl audit_heads.jsonl", "what leads from each row to a signed head of the trail"),
)

_NOTES = """\
# {Kind} {id} of {service}

This folder is the record of one {kind}, as Andon kept it: what came in, what was decided and by which rules, what was
done, what was said, and what was measured. It is a bag (BagIt 1.0, RFC 8493): the record is in `data/`, everything else
only describes it. Text is UTF-8; times are UTC; `.jsonl` files have one JSON object a line, oldest first.

`***` stands where a secret was taken out. A record from which something was taken out says `"redacted": true`.

{table}

Files that have nothing in them are left out.

## Check it

The content, with the Library of Congress's BagIt tool (`pip install bagit`), from the folder above this one:

    bagit.py --validate {folder}

Who vouches for it (`pip install 'securesystemslib[crypto]'`), with the public key that you got from the owner of the
record. `public-key.pem` in here is only a copy: whoever altered the bundle could have put another one there.

    import hashlib, json, pathlib
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    folder = pathlib.Path("{folder}")
    envelope = Envelope.from_dict(json.loads((folder / "envelope.dsse.json").read_bytes()))
    raw = load_pem_public_key(open("KEY.pem", "rb").read()).public_bytes_raw().hex()
    (keyid,) = envelope.signatures
    envelope.verify([SSlibKey(keyid, "ed25519", "ed25519", {{"public": raw}})], 1)
    for one in json.loads(envelope.payload)["subject"]:
        content = (folder / one["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["digest"]["sha256"], one["name"]

The envelope names the digest of `manifest-sha256.txt`, and that file the digest of everything in `data/`.

With Andon: `andon bundle verify FILE --key KEY.pem`; `andon bundle replay FILE --environment staging --dry-run` judges
every gate and every decision again from what is recorded in here.
"""


def reader_notes(label: Label) -> str:
    """The page, in Markdown."""
    rows = [f"| {' '.join(f'`data/{name}`' for name in names.split())} | {what} |" for names, what in _FILES]
    table = "\n".join(("| file | what |", "|---|---|", *rows))
    values = {"kind": label.kind, "table": table, "Kind": label.kind.capitalize(), "folder": label.folder}
    return _NOTES.format(id=label.id, service=label.service, **values)
