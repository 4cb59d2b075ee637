# syntax=docker/dockerfile:1
# gridpatrol in a slim image, not root. Build: docker build -t gridpatrol .
# Run:   docker run -v /etc/gridpatrol:/etc/gridpatrol:ro -v gridpatrol:/var/lib/gridpatrol gridpatrol
# The configuration is /etc/gridpatrol/gridpatrol.yaml; let its box.state_dir be /var/lib/gridpatrol.

FROM python:3.11.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/gridpatrol
COPY requirements/run.txt requirements/build.txt requirements/
RUN /opt/gridpatrol/bin/pip install --no-deps --require-hashes -r requirements/run.txt
RUN python -m pip install --no-deps --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY edge edge
COPY uploader uploader
COPY models models
COPY configs configs
COPY examples/demo examples/demo
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/gridpatrol/bin/pip install --no-deps --no-index /dist/*.whl

FROM python:3.11.13-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/gridpatrol gridpatrol
COPY --from=build /opt/gridpatrol /opt/gridpatrol
ENV PATH=/opt/gridpatrol/bin:$PATH PYTHONUNBUFFERED=1
USER gridpatrol
WORKDIR /var/lib/gridpatrol
VOLUME /var/lib/gridpatrol
EXPOSE 8470
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8470/healthz', timeout=4)"]
ENTRYPOINT ["gridpatrol"]
CMD ["run", "--config", "/etc/gridpatrol/gridpatrol.yaml"]
