# Parley's server: `docker compose up` builds it, see docs/operations.md. For linux/amd64 and linux/arm64; nothing is compiled.
ARG PYTHON=python:3.13.15-slim-trixie

FROM ${PYTHON} AS packages
WORKDIR /build
COPY requirements.txt ./
# What was locked and no other, by hash, and as wheels alone: no build script of a package ever runs.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary=:all: -r requirements.txt

FROM ${PYTHON} AS server
LABEL org.opencontainers.image.title="Parley" \
    org.opencontainers.image.description="A chat backend: REST and WebSocket" \
    org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 parley \
    && useradd --uid 10001 --gid parley --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin parley
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
COPY --from=packages /venv /venv
# .dockerignore names what of the project is in it. All of it is root's: the server writes nothing here.
COPY . .
RUN python -m compileall -q .
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, sys, http.client as h; c = h.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["python", "manage.py", "serve"]
