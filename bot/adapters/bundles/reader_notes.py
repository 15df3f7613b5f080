"""The page inside each bundle that says what it is and how to check it without Andon."""

from __future__ import annotations

from bot.domain.bundles import Label

_NOTES = """\
# {Kind} {id} of {service}

This folder is the record of one {kind}, as Andon kept it: what came in, what was decided and by which rules, what was
done, what was said, and what was measured. It is a bag (BagIt 1.0, RFC 8493): the record is in `data/`, everything else
only describes it. Text is UTF-8; times are UTC; `.jsonl` files have one JSON object a line, oldest first.

`***` stands where a secret was taken out. A record from which something was taken out says `"redacted": true`.

| file | what |
|---|---|
| `data/subject.json` | what this bundle is about, and which records belong to it |
| `data/incidents.jsonl` `data/timeline.jsonl` | incidents and their history |
| `data/events.jsonl` | requests and orders as they came in |
| `data/decisions.jsonl` | the answer to each, with the alert it judged and what each criterion said |
| `data/runs.jsonl` `data/approvals.jsonl` `data/escalations.jsonl` `data/watches.jsonl` | what was done, by which plan, and who allowed it |
| `data/policies.jsonl` `data/policies/` | the policies and playbooks that decided, as they were written |
| `data/releases.jsonl` `data/walks.jsonl` `data/manifests.jsonl` `data/pins.jsonl` `data/live.jsonl` | versions, digests, data schema, feature steps, environment, and the way through the stages |
| `data/gate_results.jsonl` `data/evidence.jsonl` `data/signatures.jsonl` `data/files/` | verdicts of gates, and the evidence they rest on, by SHA-256 |
| `data/canaries.jsonl` `data/canary_points.jsonl` `data/observations.jsonl` `data/affected.jsonl` | the comparison of candidate and incumbent |
| `data/report.jsonl` `data/minutes.jsonl` `data/minute_changes.jsonl` `data/meetings.jsonl` `data/notices.jsonl` `data/threads.jsonl` | what people said, promised, and were told |
| `data/drills.jsonl` | the rehearsal that it belongs to, where it is one |
| `data/audit.jsonl` `data/audit_chain.jsonl` | the audit trail of all this, and its place in the chain |

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
    values = {"kind": label.kind, "Kind": label.kind.capitalize(), "folder": label.folder}
    return _NOTES.format(id=label.id, service=label.service, **values)
