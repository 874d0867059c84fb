# docker build --target web|worker|proxy|backup -t voice-platform-<target> .
# A worker with models: --build-arg WORKER_EXTRAS=espeak,gpu,tracing. PyTorch brings CUDA along, the host only needs its driver.
# Another base for it (--build-arg WORKER_BASE=) must have the same Python in the same place.
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm
ARG WORKER_BASE=docker.io/library/python:3.11-slim-bookworm
ARG NGINX_IMAGE=docker.io/library/nginx:1.28-bookworm
ARG POSTGRES_IMAGE=docker.io/library/postgres:17-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /opt/voice-platform
RUN python -m venv --without-pip .venv
# what changes seldom comes first: our own code is not among the packages, it runs from here
COPY pyproject.toml constraints.txt ./
# pyproject.toml names it; with its own text every change of that would install all packages again
RUN touch README.md

FROM build AS build-web
ARG WEB_EXTRAS=chat,tracing
RUN pip --python .venv/bin/python install --no-cache-dir -c constraints.txt ".[${WEB_EXTRAS}]"

FROM build AS build-worker
ARG WORKER_EXTRAS=espeak,tracing
RUN pip --python .venv/bin/python install --no-cache-dir -c constraints.txt ".[${WORKER_EXTRAS}]"

FROM ${PYTHON_IMAGE} AS web
RUN groupadd --gid 10001 voice-platform \
    && useradd --uid 10001 --gid voice-platform --no-create-home --home-dir /var/lib/voice-platform --shell /usr/sbin/nologin voice-platform \
    && install -d -o voice-platform -g voice-platform -m 0750 /var/lib/voice-platform
WORKDIR /opt/voice-platform
# a layer of its own: a version with the same packages does not bring them again
COPY --from=build-web /opt/voice-platform/.venv .venv
COPY . .
RUN .venv/bin/python -m compileall -q accounts config jobs voice
ENV PATH=/opt/voice-platform/.venv/bin:/usr/local/bin:/usr/bin:/bin DATA_DIR=/var/lib/voice-platform PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
# ALLOWED_HOSTS has 127.0.0.1
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000", "--server", "uvicorn"]

FROM ${WORKER_BASE} AS worker
# flite's library: English without a download
RUN apt-get update \
    && apt-get install -y --no-install-recommends libflite1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 voice-platform \
    && useradd --uid 10001 --gid voice-platform --no-create-home --home-dir /var/lib/voice-platform --shell /usr/sbin/nologin voice-platform \
    && install -d -o voice-platform -g voice-platform -m 0750 /var/lib/voice-platform
WORKDIR /opt/voice-platform
# a layer of its own: a version with the same packages does not bring them again
COPY --from=build-worker /opt/voice-platform/.venv .venv
COPY . .
RUN .venv/bin/python -m compileall -q accounts config jobs voice
ENV PATH=/opt/voice-platform/.venv/bin:/usr/local/bin:/usr/bin:/bin DATA_DIR=/var/lib/voice-platform PYTHONUNBUFFERED=1
USER 10001:10001
# whether a worker runs; its supervisor starts another for each that ends
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD grep -aqs 'work.[-]-child' /proc/[0-9]*/cmdline
CMD ["python", "manage.py", "work", "--processes", "1"]

FROM ${NGINX_IMAGE} AS proxy
# it reads stored outputs, which are their group's
RUN groupadd --gid 10001 voice-platform \
    && usermod --append --groups voice-platform www-data \
    && mkdir -p /var/lib/nginx /etc/nginx/voice-platform
COPY deploy/nginx/nginx.conf /etc/nginx/nginx.conf
COPY deploy/nginx/site.conf deploy/nginx/proxy.conf /etc/nginx/voice-platform/
COPY deploy/nginx/upstream.compose.conf /etc/nginx/voice-platform/upstream.conf
# the image links its logs to standard output
# whether it answers at all, were it that it refuses; web processes have checks of their own
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 \
    CMD ["curl", "--silent", "--show-error", "--output", "/dev/null", "--max-time", "4", "http://127.0.0.1/"]

FROM ${POSTGRES_IMAGE} AS backup
# pg_dump and pg_restore of the server's own version, and what the scripts call
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 rsync \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 voice-platform \
    && useradd --uid 10001 --gid voice-platform --no-create-home --home-dir /var/lib/voice-platform --shell /usr/sbin/nologin voice-platform \
    && install -d -o voice-platform -g voice-platform -m 0750 /var/lib/voice-platform \
    && install -d -o voice-platform -g voice-platform -m 0700 /var/backups/voice-platform
WORKDIR /opt/voice-platform
COPY deploy/backup deploy/restore deploy/database deploy/
ENV PYTHON=/usr/bin/python3 DATA_DIR=/var/lib/voice-platform
USER 10001:10001
ENTRYPOINT []
CMD ["deploy/backup", "/var/backups/voice-platform"]
