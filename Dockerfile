# One image for every part: `docker run gateway api`, `work`, `relay`, `lab`, `db upgrade`.
# It runs as nobody in particular on a read-only root file system; only /data is written to (a tmpfs will do where DATABASE_URL is set).

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/gateway
WORKDIR /src
COPY requirements.txt ./
RUN /opt/gateway/bin/pip install --require-hashes --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY adapters ./adapters
COPY rates ./rates
COPY gateway ./gateway
RUN /opt/gateway/bin/pip install --no-deps --no-build-isolation .
RUN /opt/gateway/bin/python -m compileall -q /opt/gateway/lib

FROM python:3.11-slim
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin gateway
RUN install --directory --owner=gateway --group=gateway --mode=0700 /data
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 GATEWAY_HOST=0.0.0.0 GATEWAY_DATA_DIR=/data
WORKDIR /data
USER gateway
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "gateway.processes.health"]
ENTRYPOINT ["gateway"]
CMD ["api"]
