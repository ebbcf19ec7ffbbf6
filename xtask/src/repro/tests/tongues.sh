#!/bin/sh
# Stands in for `tongues run` in tests: the recipe's line `gain = …` decides the score, with a little noise by seed.
# calls.txt beside it lists the calls; stop.txt holds the call that is interrupted.
here=$(dirname "$0")
recipe=$2 rate=0 how=
shift 2
while [ $# -gt 0 ]; do
    case $1 in
    --out) out=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --set)
        case $2 in
        rate=*) rate=${2#rate=} ;;
        models.base.checkpoint=*) [ -f "${2#*=}/weights" ] || { echo "no checkpoint at ${2#*=}" >&2; exit 2; } ;;
        esac
        shift 2 ;;
    *) how=$1; shift ;;
    esac
done
name=$(basename "$recipe" .toml)
echo "$name $seed $rate $how" >>"$here/calls.txt"
if [ -f "$here/stop.txt" ] && [ "$(wc -l <"$here/calls.txt")" -ge "$(cat "$here/stop.txt")" ]; then
    mkdir -p "$out/resume"
    echo '{}' >"$out/resume/run.json"
    exit 130
fi
if grep -q "^fails = $seed\$" "$recipe"; then
    echo "error: the loss is not finite" >&2
    exit 1
fi
gain=$(sed -n 's/^gain = //p' "$recipe")
score=$(awk -v s="$seed" -v g="$gain" -v r="$rate" -v n="${#name}" 'BEGIN { printf "%.6f", 0.4 + g + ((s * 31 * n + 7 * s) % 17) / 1000 - (r - 0.1) * (r - 0.1) }')
mkdir -p "$out/stages/base/checkpoint"
: >"$out/stages/base/checkpoint/weights"
rm -rf "$out/resume"
cat >"$out/report.json" <<END
{"schema": 1, "recipe": "$name", "seed": $seed, "scores": [
{"stage": "scores", "model": "tuned", "evaluator": "choice", "data": "test", "language": "x", "metric": "accuracy", "value": $score, "n": 10, "better": "higher"},
{"stage": "scores", "model": "tuned", "evaluator": "choice", "data": "dev", "language": "x", "metric": "accuracy", "value": $score, "n": 10, "better": "higher"}]}
END
echo "{\"simd\": \"SIMD\", \"finished\": true}" >"$out/manifest.json"
