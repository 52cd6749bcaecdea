"""The runs: what is compared between two builds, and what one build must do alike in two ways.

A line is a name and the steps, ' ; ' between them. A step is the arguments of cka; behind '@' it is run on every
device, each a run of its own; behind '$' it is a line for bash, in which `cka` is the program. The inputs
lie in the folder `in` beside the output.
"""

RUNS = r"""
# Help, and what names no model.
help                   --help ; --version ; help ; help sweep ; frobnicate ; $ cka
help-commands          compare --help ; converge --help ; components --help ; blocks --help ; trust --help ; probe --help ; sweep --help
help-others            merge --help ; errors --help ; inspect --help ; devices --help ; verify --help ; plot --help ; compare ; compare --nonsense
devices                devices ; verify --device nothing ; verify --device opencl:99
verify                 @verify
verify-fast            verify --device opencl --precision fast ; verify --device cpu --precision compensated

# What a model holds.
inspect-networks       inspect in/deep ; inspect in/wide --json
inspect-files          inspect in/net-seed0.npz ; inspect in/other.npz ; inspect in/plain.safetensors ; inspect in/single.npy ; inspect in/vector.npy
inspect-types          inspect in/types ; inspect in/types --json ; inspect in/halves.safetensors --json ; inspect in/hdf5/types.h5 --json
inspect-folders        inspect in/rows ; inspect in/shards ; inspect in/tensor-shards --json ; inspect in/laid-out ; inspect in/ids --json
inspect-hdf5           inspect in/hdf5/matlab.h5 ; inspect in/hdf5/mixed.h5 --json ; inspect in/hdf5/layouts.h5 ; inspect in/hdf5/tracked.h5
inspect-names          inspect in/names.safetensors ; inspect in/names.safetensors --json ; inspect in/bad/skipped --json

# Maps of the example networks.
digits                 @compare in/deep in/wide --report
digits-one             @compare in/wide --blocks --report --estimator unbiased
digits-auto            compare in/deep --layers 'stage1*' --quiet
digits-options         @compare in/deep in/wide --batch-size 100 --passes 3 --seed 7 --ragged keep --pool mean --layout channels-first
digits-rbf             @compare in/wide --kernel rbf --bandwidth 0.5 --batch-size 64 --order stored

# Estimators, kernels and precisions.
biased                 @compare in/rows in/other.npz --estimator biased
unbiased               @compare in/rows in/other.npz --estimator unbiased
rbf-biased             @compare in/rows --estimator biased --kernel rbf --bandwidth 0.8
rbf-unbiased           @compare in/rows in/plain.safetensors --estimator unbiased --kernel rbf --sigma 4
rbf-minibatch          @compare in/rows --kernel rbf --batch-size 32 --passes 2 --seed 18446744073709551615
many-at-once           @compare in/many.npz --estimator unbiased
many-rbf               @compare in/many.npz --estimator unbiased --kernel rbf --median sample --layers 'layer*'
many-minibatch         @compare in/many.npz --passes 2 --examples 1000
large-features         @compare in/large.npz --estimator unbiased --memory 300M
large-tiles            @compare in/large.npz --estimator biased --kernel rbf --layers layer0 --layers layer1 --memory 300M
fast                   @compare in/many.npz --precision fast ; compare in/many.npz --precision compensated
plan                   compare in/many.npz --estimator unbiased --device cpu --dry-run ; compare in/many.npz --device cpu --dry-run
plan-memory            compare in/large.npz --estimator biased --kernel rbf --memory 400M --device cpu --dry-run

# Formats and types.
types                  @compare in/types --estimator unbiased
halves                 @compare in/halves.safetensors in/plain.safetensors
scalars                @compare in/half.npy in/double.npy ; compare in/single.npy in/vector.npy
deflated               compare in/other.npz in/net-seed0.npz
shards                 compare in/shards in/net-seed0.npz ; compare in/tensor-shards in/shards
hdf5-chunked           @compare in/hdf5/layouts.h5 in/hdf5/layouts-latest.h5
hdf5-packed            compare in/hdf5/lzf.h5 in/hdf5/layouts.h5 --name a --name b
hdf5-matlab            compare in/hdf5/matlab.h5 ; compare in/hdf5/mixed.h5 ; compare in/hdf5/types.h5
hdf5-groups            compare in/hdf5/groups.h5 in/hdf5/tracked.h5 ; compare in/hdf5/userblock.h5
maps-mean              @compare in/laid-out --pool mean
maps-layout            compare in/maps --pool mean --layout channels-last --layers 'conv*' ; compare in/maps
maps-ask               compare in/maps --pool mean ; compare in/laid-out --layout channels-last
tokens-mean            compare in/tokens --pool mean --mask in/mask.npy ; compare in/tokens --pool mean
tokens-last            @compare in/tokens --pool last --mask in/mask.npy --layout channels-last ; sweep in/tokens --pool first --mask in/mask.npy --output s
tokens-examples        compare in/tokens --pool tokens --mask in/mask.npy --layers hidden0 --estimator unbiased ; compare in/tokens --mask in/mask.npy
names                  compare in/names.safetensors --report ; plot result --figure heatmap --title 'α < β & γ' --force

# Which examples and layers.
ids                    compare in/ids in/ids-shuffled ; compare in/ids in/ids-shuffled --align ids ; compare in/ids in/rows --align ids
examples               compare in/rows in/other.npz --examples 40 --seed 3 --estimator unbiased
layers                 compare in/rows in/other.npz --layers 'layer1*' --layers2 layer0 --exclude layer11 --batch-size 24 --estimator minibatch
layers-none            compare in/rows --layers nothing ; compare in/rows --exclude '*' ; compare in/rows --layers '['
skipped                compare in/bad/skipped ; compare in/bad/unlike.npz ; compare in/bad/unlike.npz --layers a
hard                   @compare in/hard.npz --report
hard-rbf               @compare in/hard.npz --kernel rbf --estimator unbiased
hard-dropped           @compare in/hard.npz --drop-examples non-finite --estimator biased
few                    compare in/few.npz ; compare in/few.npz --estimator biased

# Pictures.
plot                   compare in/deep in/wide ; plot result ; $ rm result/heatmap.* ; plot result --width 6.8 --font-size 10 --font serif --range 0.2,0.9
plot-file              compare in/blocky.npz --blocks ; plot result --output a.svg ; plot result --output a.pdf --title T ; plot result --output a.svg
plot-bad               plot nothing ; plot in/rows ; compare in/rows ; plot result --output a.gif ; plot result --width 0 ; plot result --range 1,0 ; plot result --figure none
plot-damage            compare in/rows ; $ sed -i 's/"rows\?"/"x"/; s/linear/cubic/' result/result.json ; plot result ; $ printf x >result/result.json ; plot result
plot-report            compare in/rows ; plot result --report ; plot result --report --force

# The analyses.
converge               @converge in/net-seed0.npz in/other.npz --batch-sizes 8,16,32 --passes 1,2 --repeats 3 --report
converge-rbf           converge in/rows --kernel rbf --batch-sizes 16,48 --passes 1,3 --repeats 2 --seed 5 --device cpu ; plot result
converge-bad           converge in/rows --batch-sizes 2 ; converge in/rows --repeats 0 ; converge in/few.npz
components             @components in/net-seed0.npz in/other.npz --report
components-digits      components in/wide --remove 1,2 -k 4 --device cpu --estimator biased --layer stem.relu --controls 2 ; plot result --width 5 --force
components-many        @components in/many.npz --layers 'layer*' -k 3
components-tiles       components in/many.npz --memory 240M --device cpu ; converge in/many.npz --memory 240M --batch-sizes 100,500 --passes 1,2 --repeats 2 --device cpu
components-hard        components in/hard.npz --device cpu ; components in/hard.npz -k 0 ; components in/rows --remove 99 ; components in/rows --layer x
blocks                 compare in/blocky.npz --estimator unbiased --device cpu ; blocks result --output out --report ; plot out --force ; blocks result --min-size 5 --seed 2 --permutations 99
blocks-two             compare in/blocky.npz --output a ; compare in/wide --output b ; blocks a b --output out --min-contrast 0.05 --significance 0.2 ; plot out --report
blocks-bad             compare in/rows in/other.npz ; blocks result ; blocks in/rows ; blocks result --significance 2 ; blocks nothing
trust                  @trust in/net-seed0.npz in/other.npz --cell layer1,layer2 --permutations 199 --report
trust-digits           trust in/wide --layers 'stage[12]*' --device cpu ; plot result --figure control --output c.png
trust-rbf              trust in/rows --kernel rbf --cell layer0,layer3 --top 3 --seed 4 --device cpu ; trust in/rows --cell a,b ; trust in/few.npz
probe                  @probe in/net-seed0.npz --labels in/labels.npy --report
probe-digits           probe in/deep --labels in/digits.npy --layers 'stage3*' --penalty 0.1 --test-fraction 0.4 --seed 3 --device cpu ; plot result
probe-blocks           compare in/wide --blocks --output m ; probe in/wide --labels in/digits.npy --pool mean --layout channels-first --blocks m --device cpu
probe-bad              probe in/rows --labels in/bad/labels-short.npy ; probe in/rows --labels in/bad/labels-negative.npy ; probe in/rows --labels in/bad/labels-float.npy
probe-worse            probe in/rows --labels in/bad/labels-gap.npy ; probe in/rows ; probe in/rows --labels nothing.npy ; probe in/rows --labels in/labels.npy --penalty=-1
errors                 errors --group 'wide=in/wide?.npy' --group 'deep=in/deep?.npy' --labels in/labels.npy --report
errors-tree            errors --group 'wide=in/wide0.npy,in/wide1.npy' --group 'deep=in/deep0.npy' --group deep=in/deep1.npy --labels in/labels.npy --class-names in/class-names.txt --hierarchy in/tree.json --top 5 --repeats 50 --seed 9 ; plot result --force
errors-csv             errors --group 'a=in/wide?.npy' --group 'b=in/classes-deep?.npy' --labels in/labels.npy --class-names in/class-names.txt --hierarchy in/tree.csv --least-classes 1
errors-logits          errors --group 'a=in/logits-wide?.npy' --group 'b=in/logits-deep?.npy' --labels in/labels.npy --logits --repeats 20
errors-layer           errors --group a=in/wide,in/wide/head.logits.npy --group b=in/deep,in/deep/head.logits.npy --labels in/digits.npy --layer head.logits --logits ; errors --group a=in/wide --group b=in/deep --labels in/digits.npy --layer stem --logits
errors-bad             errors --group a=in/bad/odds.npy,in/wide0.npy --group 'b=in/deep?.npy' --labels in/labels.npy ; errors --group a=in/wide0.npy --labels in/labels.npy ; errors --group a=none --group b=void --labels in/labels.npy ; errors --group a=in/wide0.npy --group b=in/deep0.npy --labels in/labels.npy
errors-worse           errors --group 'a=in/wide?.npy' --group 'b=in/deep?.npy' --labels in/bad/labels-gap.npy ; errors --group 'a=in/wide?.npy' --group 'b=in/deep?.npy' --labels in/labels.npy --hierarchy in/bad/tree.json --class-names in/class-names.txt

# Sweeps.
sweep                  @sweep in/net-seed0.npz in/net-seed1.npz in/net-seed2.npz in/other.npz --batch-size 32 --passes 2 --table --report --output s
sweep-grows            sweep in/net-seed0.npz in/rows --device cpu --output s ; sweep in/rows in/net-seed0.npz in/other.npz --device cpu --output s ; blocks s --output b --report ; plot s/results/pairs/rows--other ; plot s
sweep-options          sweep in/net-seed0.npz in/net-seed1.npz --estimator biased --kernel rbf --bandwidth 0.7 --device cpu --output s --models-csv in/groups.csv ; sweep in/rows --device cpu --output s
sweep-halves           @sweep in/rows in/halves.safetensors in/types --store-precision float16 --batch-size 24 --ragged keep --output s
sweep-digits           sweep in/deep in/wide --batch-size 64 --pool mean --layout channels-first --device cpu --output s ; blocks s --output out
sweep-names            sweep in/names.safetensors in/rows --name '<b> & "c"' --name ..% --device cpu --output s
sweep-ids              sweep in/ids in/ids-shuffled --align ids --device cpu --output s ; sweep in/ids in/ids-shuffled --device cpu --output t
sweep-hard             sweep in/hard.npz in/rows --drop-examples non-finite --device cpu --output s ; sweep in/hard.npz --device cpu --output t
sweep-hdf5             sweep in/hdf5/layouts.h5 in/hdf5/lzf.h5 --batch-size 8 --device cpu --output s
shares                 sweep in/net-seed0.npz in/other.npz --batch-size 24 --shard 1/2 --device cpu --output a ; sweep in/net-seed0.npz in/other.npz --batch-size 24 --shard 2/2 --device cpu --output b ; merge b a --output s --table --report ; merge a --output t ; merge a a --output t
sweep-again            sweep in/rows in/other.npz --batch-size 32 --device cpu --output s ; $ rm s/minibatches/2/grams/* ; sweep in/rows in/other.npz --batch-size 32 --device cpu --output s
sweep-damage           sweep in/rows --batch-size 48 --device cpu --output s ; $ printf XX | dd of=$(ls -d s/minibatches/1/grams/*) bs=1 seek=300 conv=notrunc status=none ; sweep in/rows in/other.npz --batch-size 48 --device cpu --output s
sweep-bad              sweep in/rows --output in/rows ; sweep in/rows in/few.npz --output s ; sweep in/rows --output s --shard 3/2 ; sweep --output s ; merge in/rows --output t ; merge --output t
sweep-memory           sweep in/rows in/other.npz --memory 1M --device cpu --output s ; sweep in/rows --memory 400M --device cpu --output t

# Folders of results.
output                 compare in/rows ; compare in/rows --output result ; compare in/other.npz --force --output result ; $ mkdir own && touch own/file ; compare in/rows --output own --force
output-unwritable      compare in/rows --output /proc/none/here ; sweep in/rows --output /proc/none ; compare in/rows --output in/single.npy/x ; $ cka compare in/rows --output full >/dev/full ; $ cka inspect in/rows >/dev/full ; $ cka compare in/rows --output gone 2>&1 | head -1
output-quiet           compare in/hard.npz --quiet --output a ; sweep in/rows in/other.npz --quiet --output s ; converge in/rows --batch-sizes 24 --passes 1 --quiet --output c
color                  $ TERM=xterm COLORTERM=truecolor cka compare in/rows ; $ NO_COLOR=1 TERM=xterm-256color cka compare in/rows

# Wrong options.
usage                  compare in/rows --batch-size 3 ; compare in/rows --estimator biased --passes 2 ; compare in/rows --sigma 2 ; compare in/rows --kernel rbf --sigma 0 ; compare in/rows --passes 0
usage-values           compare in/rows --kernel cubic ; compare in/rows --memory 4X ; compare in/rows --median sample ; compare in/rows --seed=-1 ; compare in/rows --examples 1 ; compare in/rows --layers2 x
usage-memory           compare in/many.npz --memory 20M --device cpu ; compare in/many.npz --estimator unbiased --memory 20M --device cpu ; components in/many.npz --memory 20M --device cpu
usage-device           compare in/rows --device gpu ; compare in/rows --device opencl:7 ; compare in/rows --device opencl:x ; compare in/rows in/other.npz in/rows
"""

# Files and folders that are no models, or hold a layer that is none: inspected, compared and swept.
BAD_MODELS = """
cut.npy long.npy head.npy huge.npy text.npy nothing.npy scalar.npy complex.npy strings.npy objects.npy structured.npy
no-examples.npy no-features.npy unlike.npz fewer.npz crc.npz cut.npz model.pt cut.safetensors overlap.safetensors
json.safetensors empty json missing-layer unknown-key ids-count ids-twice mixed fifo.npy loop.npy missing.npy
""".split()

# What the documentation promises to have the same bits, made in two ways by one build: a name, the files that are
# held against each other, and two lines of steps, with ' || ' between them.
TWINS = r"""
memory-minibatch       *.npy  @compare in/many.npz --passes 2 || @compare in/many.npz --passes 2 --memory 600M
memory-sweep           *.npy *.grams *.products *.csv *.png  sweep in/deep in/wide in/deep --name a --name b --name c --batch-size 64 --device cpu --output s || sweep in/deep in/wide in/deep --name a --name b --name c --batch-size 64 --device cpu --output s --memory 300M
memory-features        *.npy  compare in/many.npz --estimator unbiased --device cpu --memory 150M || compare in/many.npz --estimator unbiased --device cpu --memory 130M
shares-merged          *.npy *.csv *.png *.svg *.pdf */store.json */minibatches/*  sweep in/rows in/other.npz --batch-size 24 --device cpu --output s || sweep in/rows in/other.npz --batch-size 24 --shard 1/2 --device cpu --output a ; sweep in/rows in/other.npz --batch-size 24 --shard 2/2 --device cpu --output b ; merge b a --output s ; $ rm -r a b
sweep-in-steps         *.npy *.grams *.png  sweep in/rows in/other.npz in/plain.safetensors --batch-size 32 --device cpu --output s || sweep in/rows --batch-size 32 --device cpu --output s ; sweep in/rows in/other.npz in/plain.safetensors --batch-size 32 --device cpu --output s
sweep-killed           *.npy *.grams *.products *.png  sweep in/deep in/wide --batch-size 16 --device cpu --output s || $ timeout -s KILL 0.1 bash -c 'exec -a cka "$CKA" sweep in/deep in/wide --batch-size 16 --device cpu --output s' ; sweep in/deep in/wide --batch-size 16 --device cpu --output s
opencl-all             *.npy  compare in/rows in/other.npz --batch-size 24 --device opencl || compare in/rows in/other.npz --batch-size 24 --device opencl:all
plot-draws-the-same    *.png *.svg *.pdf  compare in/hard.npz || compare in/hard.npz ; $ rm result/heatmap.* ; plot result
deflated-or-stored     *.npy  compare in/shards || compare in/net-seed0.npz
"""

DEVICES = ("cpu", "opencl")
OUTPUT = ("compare", "converge", "components", "blocks", "trust", "probe", "errors")


def steps(line, device):
    """The steps of a line on a device; results go to `result`, `result-2`, … unless the step says where."""
    found, results = [], 0
    for step in line.split(" ; "):
        if step.startswith("@"):
            step = f"{step[1:]} --device {device}"
        words = step.split()
        if words and words[0] in OUTPUT and not {"--output", "--help"} & set(words):
            results += 1
            step += " --output result" + (f"-{results}" if results > 1 else "")
        found.append(step)
    return found


def lines(text):
    for line in text.strip().splitlines():
        if line and not line.startswith("#"):
            yield [part.strip() for part in line.split("  ") if part.strip()]


def on_devices(name, *parts):
    """A name and the parts' steps for each device they ask for."""
    if not any(step.startswith("@") for part in parts for step in part.split(" ; ")):
        yield name, [steps(part, None) for part in parts]
        return
    for device in DEVICES:
        yield f"{name}-{device}", [steps(part, device) for part in parts]


def runs():
    """Names and steps of all runs."""
    for name, line in lines(RUNS):
        for full, (found,) in on_devices(name, line):
            yield full, found
    for name in BAD_MODELS:
        path = f"in/bad/{name}"
        yield f"bad-{name}", [
            f"inspect {path}", f"compare {path} --output result", f"compare in/rows {path}",
            f"sweep in/rows {path} --output store"]
    yield "bad-hdf5", ["$ for file in in/hdf5/refused-*; do cka inspect $file; cka compare $file --output x; done"]


def twins():
    """Names, patterns of files, and the steps of both ways."""
    for name, patterns, line in lines(TWINS):
        for full, ways in on_devices(name, *line.split(" || ")):
            yield full, patterns.split(), ways
