# A base for the router on a GPU: CUDA's runtime, Java 17 and libtorch 2.7.1 for CUDA 12.8. Not run on a GPU yet, see docs/gpu.md.
# Build from a folder that holds libtorch's own archive unpacked (libtorch/lib/libtorch.so and so on), since it is not in Maven's repositories:
#   docker build -f deploy/cuda-base.Dockerfile -t quiver-cuda-base FOLDER
#   docker build -f deploy/Dockerfile --build-arg BASE_IMAGE=quiver-cuda-base --build-arg FLAVOR=cu128 \
#       --build-arg SERVICE=router --build-arg PORT=7071 -t quiver-router-cuda .
FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/*
COPY libtorch/lib /opt/libtorch/lib
# DJL takes libtorch from there, and from its own jar the JNI library that fits it.
ENV PYTORCH_LIBRARY_PATH=/opt/libtorch/lib \
    PYTORCH_VERSION=2.7.1
