# The reference server as an image. Only /data is written to, so that everything else can
# be read-only. A mirror of PyPI, and the authority that vouches for it, are told by
#   docker build --secret id=pip.conf,src=pip.conf --secret id=pip.crt,src=ca.crt .
# where pip.conf says `cert = /etc/pip.crt`; neither becomes part of the image.
ARG BASE=python:3.11-slim

FROM ${BASE} AS builder
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY src src
COPY reference_server reference_server
# The wheel and not the folder is installed: what runs is what is published.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=pip.crt,target=/etc/pip.crt \
    python3 -m venv /build \
    && python3 -m venv --without-pip /opt/chatproto \
    && /build/bin/pip install --quiet --constraint constraints.txt hatchling \
    && /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /build/bin/pip --python /opt/chatproto install --quiet --constraint constraints.txt \
    "$(echo /wheel/*.whl)[server]"

FROM ${BASE}
LABEL org.opencontainers.image.title="chatproto" \
      org.opencontainers.image.description="A Matrix-style chat server" \
      org.opencontainers.image.licenses="Apache-2.0"
# The library of some bases comes without byte code, and nothing can be added when it runs.
RUN useradd --uid 10001 --user-group --home-dir /data --no-create-home \
    --shell /usr/sbin/nologin chatproto \
    && install -d -o chatproto -g chatproto -m 0700 /data \
    && python3 -m compileall -q -x '/(tests?|idlelib|lib2to3|turtledemo|site-packages)/' \
    "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=builder /opt/chatproto /opt/chatproto
ENV PATH=/opt/chatproto/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CHATPROTO_DATA=/data \
    CHATPROTO_LISTEN=0.0.0.0:8008
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8008
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["chatproto-server", "health"]
ENTRYPOINT ["chatproto-server"]
CMD ["serve"]
