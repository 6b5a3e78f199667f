# The adviser as an image: docker build --tag kol-advisor:0.1.0 .
# Another base, e.g. a mirror's or one fixed by its digest: --build-arg PYTHON_IMAGE=...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
COPY requirements.lock requirements-postgres.lock ./
# Two environments: one that can build, left behind here, and the one that runs, which holds no installer.
RUN python -m venv tools \
 && tools/bin/python -m pip install --require-hashes --only-binary :all: --requirement requirements.lock \
 && python -m venv --without-pip /opt/kol-advisor \
 && tools/bin/python -m pip --python /opt/kol-advisor/bin/python install --require-hashes --only-binary :all: \
      --requirement requirements-postgres.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY knowledge knowledge
COPY bot bot
COPY handlers handlers
RUN tools/bin/python -m hatchling build --target wheel --directory dist \
 && tools/bin/python -m pip --python /opt/kol-advisor/bin/python install --no-deps --no-index dist/*.whl \
 && /opt/kol-advisor/bin/kol-advisor check

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="kol-advisor" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/kol-advisor /opt/kol-advisor
RUN install --directory --owner 10001 --group 10001 --mode 0700 /data && install --directory /etc/kol-advisor
# The conversations' file is /data/kol-advisor/kol-advisor.db unless memory.url says otherwise. Bytecode is in the
# image already. No secret is named here: they come as files or from the environment when a container starts.
ENV PATH=/opt/kol-advisor/bin:$PATH \
    HOME=/data \
    XDG_STATE_HOME=/data \
    KOL_ADVISOR_SERVER__HOST=0.0.0.0 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A config.toml may be mounted here.
WORKDIR /etc/kol-advisor
USER 10001:10001
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import http.client, os; ask = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('KOL_ADVISOR_SERVER__ADMIN_PORT', '9090')), timeout=4); ask.request('GET', '/healthz'); raise SystemExit(ask.getresponse().status != 200)"]
ENTRYPOINT ["kol-advisor"]
CMD ["serve"]
