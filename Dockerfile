# Two stages: the first installs the locked requirements of the service alone, the second holds nothing but the result.
# REQUIREMENTS=s3 are those of the service and of a model store in an S3 bucket, REQUIREMENTS=tracing those of the
# service and of traces.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ARG REQUIREMENTS=service
WORKDIR /app
COPY requirements/${REQUIREMENTS}.lock requirements/
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --no-deps --require-hashes -r requirements/${REQUIREMENTS}.lock
COPY mlp mlp
COPY service service
RUN /venv/bin/python -m compileall -q mlp service

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="mlp" \
      org.opencontainers.image.description="Serves a multilayer perceptron: POST an image to /predict" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 MLP_MODELS=/models MLP_CACHE=/tmp/mlp
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app/mlp mlp
COPY --from=build /app/service service
COPY models /models
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=10s CMD ["python", "-m", "service.healthcheck"]
CMD ["gunicorn", "-c", "service/gunicorn.conf.py"]
