# syntax=docker/dockerfile:1
# The image of every role: `serve` (the default command), `emulate`, `demo`. tests/test_deploy.py carries these steps out.

FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/tessera
ENV PATH=/opt/tessera/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# The requirements change seldom, the code often: two layers.
COPY requirements.txt ./
RUN pip install -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY app ./app
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tessera
COPY --from=build /opt/tessera /opt/tessera
# In a container every interface is meant; who may reach the port is decided outside of it.
ENV PATH=/opt/tessera/bin:$PATH PYTHONUNBUFFERED=1 TESSERA_HOST=0.0.0.0
# Nothing is written to disk; a `.env` would be read here.
WORKDIR /run/tessera
USER 10001
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request as u; e = os.environ.get; c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE; u.urlopen(f\"http{'s' * bool(e('TESSERA_TLS_CERT'))}://127.0.0.1:{e('TESSERA_PORT') or '8080'}/healthz\", timeout=2, context=c)"]
ENTRYPOINT ["tessera"]
CMD ["serve"]
