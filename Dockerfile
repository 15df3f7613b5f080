# One image for every process: `andon web`, `worker`, `clock`, `db upgrade`. Packages come by hash, the base by digest.
# A tag is for people and a digest for machines: renew both together (CONTRIBUTING.md, "Renewing what is pinned").

FROM python:3.12.12-slim-bookworm@sha256:593bd06efe90efa80dc4eee3948be7c0fde4134606dd40d8dd8dbcade98e669c AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv --without-pip /opt/andon
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN /opt/build/bin/pip install --require-hashes -r requirements/build.txt \
    && /opt/build/bin/pip --python /opt/andon/bin/python install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY bot bot
COPY handlers handlers
COPY playbooks playbooks
COPY templates templates
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/build/bin/pip --python /opt/andon/bin/python install --no-deps --no-index /wheels/*.whl
# Some packages ship templates that are no valid Python, so the exit code of the compiler says nothing.
RUN /opt/andon/bin/python -m compileall -qq -j 0 /opt/andon/lib || true
RUN /opt/andon/bin/andon --help >/dev/null

FROM python:3.12.12-slim-bookworm@sha256:593bd06efe90efa80dc4eee3948be7c0fde4134606dd40d8dd8dbcade98e669c
LABEL org.opencontainers.image.title="Andon" \
      org.opencontainers.image.description="Event-driven incident and rollback bot" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 andon \
    && useradd --system --uid 10001 --gid andon --home-dir /var/lib/andon --create-home --shell /usr/sbin/nologin andon
COPY --from=build /opt/andon /opt/andon
ENV PATH=/opt/andon/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ANDON_CONFIG=/etc/andon ANDON_DATA=/var/lib/andon ANDON_HOST=0.0.0.0 ANDON_PORT=8080
WORKDIR /var/lib/andon
USER 10001:10001
VOLUME /var/lib/andon
EXPOSE 8080
STOPSIGNAL SIGTERM
# For `andon web`. A worker or a clock listens nowhere: start it with this check off, as docker-compose.yml does.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:%s/readyz' % os.environ['ANDON_PORT'], timeout=2)"]
ENTRYPOINT ["andon"]
CMD ["web"]
