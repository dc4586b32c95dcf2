#!/bin/bash
# Renders, trains and evaluates on a machine with many cores and a GPU, in RENDER + TRAIN seconds and a little.
# Needs .carry/site.tar.xz from pack.sh, and python3 with PyTorch and NumPy. Writes to $OUT. Run from the repository's root.
set -euo pipefail
render=${RENDER:-220} train=${TRAIN:-100} jobs=${JOBS:-$(nproc)} ballots=${BALLOTS:-50} seeds=${SEEDS:-2000}
work=${WORK:-/tmp/second} out=${OUT:?}
mkdir -p "$work/site" "$out"
python3 -m tarfile -e "${CARRY:-.carry/site.tar.xz}" "$work/site"
# Only what the reader itself needs of its room: the rest asks for packages that are not there.
cp -r src/aigaq packages/verify/src/aigaq_verify training "$work/site/"
for room in recount recount/reading; do : >"$work/site/aigaq/$room/__init__.py"; done
echo "from aigaq.recount.styles.folder import LoadedStyle as LoadedStyle" >"$work/site/aigaq/recount/styles/__init__.py"
export PYTHONPATH="$work/site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
cd "$work"
python3 -c 'import sys, cv2, torch, numpy; print(sys.version, cv2.__version__, torch.__version__, numpy.__version__, torch.cuda.is_available())'
make() { python3 -m training.make_crops "$@"; }
valid=$((jobs / 8 > 0 ? jobs / 8 : 1))
make valid --seeds 20000:20999 --ballots "$ballots" --jobs "$valid" --seconds "$render" &
make train --seeds "10000:$((10000 + seeds))" --ballots "$ballots" --jobs "$((jobs - valid > 0 ? jobs - valid : 1))" --seconds "$render" | tail -n 3
wait
# While the graphics processor learns, the others film what the benchmark films, on held-out seeds.
for preset in ${PRESETS:-560 560 560 420 420 thumb dark skew fast 320 defocus}; do
    mkdir -p "held-out/$preset"
    first=1000
    while [ -e "held-out/$preset/.$first" ]; do first=$((first + 100)); done
    : >"held-out/$preset/.$first"
    make "held-out/$preset" --seeds "$first:$((first + 100))" --ballots "${HELD:-50}" --preset "$preset" --seconds "$((train - 15))" | tail -n 1 &
done
OMP_NUM_THREADS=4 python3 -m training.train train valid --out "$out" --large --batch "${BATCH:-1024}" --steps 1000000 --seconds "$train" --bank "${BANK:-12000}"
wait
OMP_NUM_THREADS=$jobs python3 -m training.evaluate valid held-out/* --weights "$out/second.npz" --out "$out/evaluation.json" | tail -n 5
