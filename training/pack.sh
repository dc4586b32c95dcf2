#!/bin/sh
# Packs what a machine with PyTorch but without this project's packages needs for make_crops.py: OpenCV and a few small ones,
# for Python 3.12 on x86-64. Usage: training/pack.sh SITE_PACKAGES PYDANTIC_CORE_WHEEL OUT.tar.xz
set -eu
site=$1 wheel=$2 out=$3
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for name in cv2 opencv_python_headless.libs pydantic babel typing_inspection annotated_types; do
    cp -r "$site/$name" "$folder/"
done
cp "$site/typing_extensions.py" "$folder/"
rm -rf "$folder/babel/locale-data"/[!er]* "$folder/pydantic/v1" "$folder"/cv2/data
unzip -q "$wheel" 'pydantic_core/*' -d "$folder"
find "$folder" -name __pycache__ -prune -exec rm -r {} +
find "$folder" -name '*.pyi' -delete
strip --strip-unneeded "$folder"/cv2/*.so "$folder"/opencv_python_headless.libs/*.so* 2>/dev/null || true
# Nothing here encodes films, but the renderer's package imports the encoder.
mkdir -p "$folder/av/container" "$folder/av/video"
echo 'class VideoFrame: ...' >"$folder/av/__init__.py"
echo 'class OutputContainer: ...' >"$folder/av/container/__init__.py"
echo 'class FFmpegError(Exception): ...' >"$folder/av/error.py"
: >"$folder/av/video/__init__.py"
echo 'class VideoStream: ...' >"$folder/av/video/stream.py"
mkdir -p "$(dirname "$out")"
tar c -C "$folder" . | xz -9 >"$out"
