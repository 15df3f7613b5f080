"""Evidence that is fetched when a stage is judged: where from, as a policy says it under `stages[].evidence`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictStr, model_validator

from bot.domain.fields import Digest, Duration, Name, PositiveDuration, Strict
from bot.domain.web_addresses import checked_url

Media = Literal[
    "application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.parquet", "application/schema+json"
]
_STORES = {"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure", "abfs": "Azure", "abfss": "Azure", "wasbs": "Azure"}


def _fetchable_url(value: str) -> str:
    if "{{" in value:
        return value  # it is looked at again once it is filled
    store = _STORES.get(value.partition("://")[0].lower())
    if store and "://" in value:
        raise ValueError(
            f"an address of {store} that needs credentials is not fetched: give an https address of the object, "
            "presigned or public, or let the pipeline push it with `andon evidence push`"
        )
    return checked_url(value)


SourceUrl = Annotated[StrictStr, AfterValidator(_fetchable_url)]
_SourceHeaders = Annotated[Mapping[str, StrictStr], Field(default_factory=dict, max_length=50)]


class HttpSource(Strict):
    """`url` and `headers`: one GET. Objects of S3, Google Cloud Storage and Azure by a presigned or public address."""

    url: SourceUrl
    headers: _SourceHeaders
    sha256: Digest | None = None
    """What the content must have; anything else is refused."""


class PrometheusSource(Strict):
    """`prometheus` (base URL) and `query`; with `window` a range at each `step` (a minute), without the value now."""

    prometheus: SourceUrl
    query: Annotated[StrictStr, Field(min_length=1, max_length=4000)]
    window: PositiveDuration | None = None
    step: PositiveDuration = timedelta(minutes=1)
    max_age: Duration = timedelta(minutes=2)
    headers: _SourceHeaders

    @model_validator(mode="after")
    def _has_a_grid(self) -> Self:
        if self.window is not None and (self.window % self.step or self.window // self.step > 1440):
            raise ValueError("`window` is a whole number of `step`s, 1440 at most")
        return self


class EvidenceSource(Strict):
    """One piece: how gates call it, and exactly one of `http`, `object`, `prometheus` and `file`.

    `object` is the same as `http`, for objects of a store. `file` names a file in the folder `evidence/` of the
    configuration. `media` is told by the answer or by the name where it is not given.
    """

    name: Name
    http: HttpSource | None = None
    object: HttpSource | None = None
    prometheus: PrometheusSource | None = None
    file: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=128)] | None = None
    media: Media | None = None
    about: Literal["candidate", "incumbent"] = "candidate"

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        places = (self.http, self.object, self.prometheus, self.file)
        if sum(place is not None for place in places) != 1:
            raise ValueError("give exactly one of `http`, `object`, `prometheus` and `file`")
        return self

    @property
    def address(self) -> str | None:
        """Whom it asks, for the allow-list; None for a file."""
        by_http = self.http or self.object
        if by_http is not None:
            return by_http.url
        return self.prometheus.prometheus if self.prometheus is not None else None
