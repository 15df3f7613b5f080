"""What writes bundles."""

from __future__ import annotations

from typing import BinaryIO

from bot.adapters.bundles.bags import write_bundle
from bot.adapters.secrets import EnvironmentSecrets
from bot.domain.bundles import Draft
from bot.flow.bundle_desk import BundleDesk
from bot.settings import Settings
from bot.wiring.outside import Outside, keyring, own_secrets


def open_bundles(settings: Settings, outside: Outside) -> BundleDesk:
    """Where bundles are asked for. The key that signs them is made with the first one."""

    keys = keyring(settings)

    def write(draft: Draft, out: BinaryIO) -> None:
        write_bundle(draft, keys.own(), out)

    own = EnvironmentSecrets({f"ANDON_SECRET_{number}": one for number, one in enumerate(own_secrets(settings))})
    return BundleDesk(
        store=outside.store, clock=outside.clock, secrets=outside.secrets, own_secrets=own.redact, write=write
    )
