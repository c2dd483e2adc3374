# Two stages: the first installs the locked requirements of the service alone, the second holds nothing but the result.
# REQUIREMENTS="s3 tracing" are those of the service, of a model store in an S3 bucket and of traces: any of the names in
# requirements/ that .dockerignore lets through. PYTHON_IMAGE=python:3.11-slim@sha256:… pins what it is built on.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ARG REQUIREMENTS=service
WORKDIR /app
COPY requirements requirements
RUN for name in ${REQUIREMENTS}; do echo "-r ${name}.lock"; done > requirements/chosen.txt \
 && python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --no-deps --require-hashes --report /installed.json \
      -r requirements/chosen.txt
# What no running service reads: tests, C sources, and botocore's descriptions of what is neither S3 nor a way to log in.
RUN find /venv -type d -name tests -prune -exec rm -r {} + \
 && find /venv -type f -regex '.*\.\(c\|cpp\|h\|pyx\|pxd\|pyi\)' -delete \
 && find /venv -type d -regex '.*/botocore/data/[^/]*' -not -regex '.*/\(s3\|sts\|sso\|sso-oidc\|signin\)' -prune -exec rm -r {} +
COPY mlp mlp
COPY service service
COPY deploy/image/sbom.py /sbom.py
RUN /venv/bin/python /sbom.py /installed.json > sbom.cdx.json \
 && /venv/bin/python -m compileall -q mlp service

FROM ${PYTHON_IMAGE}
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="mlp" \
      org.opencontainers.image.description="Serves a multilayer perceptron: POST an image to /predict" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 MLP_MODELS=/models MLP_CACHE=/tmp/mlp
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app/sbom.cdx.json .
COPY --from=build /app/mlp mlp
COPY --from=build /app/service service
COPY models /models
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=10s CMD ["python", "-m", "service.healthcheck"]
CMD ["gunicorn", "-c", "service/gunicorn.conf.py"]
