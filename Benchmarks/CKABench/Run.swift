import ActivationFiles
import ArgumentParser
import CKA
import CommandSupport
import Device

/// The default: the machine's limits, then every workload on every device.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The machine's limits, and workloads on every device (the default).",
    discussion: """
      The workloads are `minibatch` (30 × 30 layers of mean 8,192 features, batch 256), \
      `minibatch-float16` (the same activations in float16), `minibatch-bfloat16` (in bfloat16, with \
      means as small beside the spread as those behind a ReLU), `full-set` (20 layers of 2,048 \
      features, 4,096 examples at once), `rbf` (10 layers, 2,048 examples at once) and `pairs` (all \
      pairs of 1,000 narrow layers). Their activations are synthetic and are written to a temporary \
      folder, 1 GB at most; TMPDIR chooses the place. With --layers, --examples, --features or \
      --batch-size, or with MODELs, one workload of that shape is measured instead.

      Every device works in a process of its own, in turn with the others, after one run that is \
      not counted. Reading is included, with the page cache warm. GFLOP/s count useful operations: \
      each entry of a triangle once. "of limit" is the least time that the machine's measured peaks \
      allow, over the time it took. Errors are those of CKA against float64 on some layers.

      With --peers, programs that people would run instead are measured in turn with cka on the \
      same files: the scripts of Benchmarks/Peers. NumPy has no bfloat16.
      """)

  @Argument(help: "One or two models of your own to measure on.")
  var models: [String] = []

  @Option(help: ArgumentHelp("A named workload (repeatable).", valueName: "name"))
  var workload: [String] = []

  @Option(help: "Synthetic layers of each of two models (default: 12).")
  var layers: Int?

  @Option(help: "Synthetic examples (default: 512).")
  var examples: Int?

  @Option(
    help: ArgumentHelp(
      "Synthetic features of a layer: one number, or a range whose layers average to its middle "
        + "(default: 2048-6144).", valueName: "p | p-q"))
  var features: FeatureRange?

  @Option(help: "Examples per minibatch (default: 256).")
  var batchSize: Int?

  @Option(help: ArgumentHelp("A device to measure (repeatable): cpu, opencl or opencl:INDEX."))
  var device: [String] = []

  @Option(
    help: ArgumentHelp(
      "exact, compensated or fast, on devices that know the difference.", valueName: "precision"))
  var precision = Precision.exact

  @Option(help: "Counted runs of each device.")
  var runs = 5

  @Flag(help: "Small shapes: ends within 20 seconds.")
  var quick = false

  @Flag(help: "Compare with the programs of Benchmarks/Peers.")
  var peers = false

  @Option(
    help: ArgumentHelp(
      "The Python that runs them (default: .venv-peers/bin/python, or python3).",
      valueName: "file"))
  var python: String?

  @Option(
    help: ArgumentHelp("Folder of those programs (default: Benchmarks/Peers).", valueName: "folder")
  )
  var scripts: String?

  @Option(help: ArgumentHelp("Write the figures to this file as JSON.", valueName: "file"))
  var json: String?

  func validate() throws {
    guard models.count <= 2 else { throw ValidationError("At most two models.") }
    guard layers ?? 1 > 0, examples ?? 4 >= 4, batchSize ?? 4 >= 4, runs > 0 else {
      throw ValidationError("At least one layer and run, four examples and a batch of four.")
    }
    guard models.isEmpty || (layers ?? examples) == nil && features == nil else {
      throw ValidationError("MODELs have their own layers, examples and features.")
    }
    guard workload.isEmpty || models.isEmpty && !isCustom else {
      throw ValidationError("A named workload has a shape of its own.")
    }
    for name in workload where !Workload.standard.contains(where: { $0.name == name }) {
      let names = Workload.standard.map(\.name).joined(separator: ", ")
      throw ValidationError("There is no workload '\(name)', only \(names).")
    }
    guard peers || python == nil && scripts == nil else {
      throw ValidationError("--python and --scripts are for --peers.")
    }
    guard !peers || device.count < 2 else {
      throw ValidationError("--peers compares with one device.")
    }
  }

  func run() throws {
    try reportingFailures {
      TemporaryFolder.removeOnInterrupt()
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let document =
        peers ? try runPeers(in: folder) : try runDevices(in: folder)
      if let json { try document.write(to: json) }
    }
  }

  /// Counted runs of a program on a workload.
  var countedRuns: Int { quick ? min(runs, 3) : runs }

  private var isCustom: Bool { layers ?? examples ?? batchSize != nil || features != nil }

  /// What is measured.
  var workloads: [Workload] {
    if isCustom {
      let shape = features ?? FeatureRange(least: 2048, most: 6144)
      return [
        Workload(
          name: "custom", layers: layers ?? 12, examples: examples ?? 512, features: shape,
          method: .minibatch(size: batchSize ?? 256))
      ]
    }
    let all = (quick ? Workload.quick : Workload.standard).filter {
      !peers || $0.scalarType != "bfloat16"
    }
    return workload.isEmpty ? all : all.filter { workload.contains($0.name) }
  }

  /// Runs `body` on each workload with its models' paths, which are there only that long.
  func forEachWorkload(
    in folder: TemporaryFolder, _ body: (Workload, _ paths: [String]) throws -> Void
  ) throws {
    guard models.isEmpty else {
      let files = try openModels(models)
      return try body(Workload(of: files, batchSize: batchSize ?? 256), models)
    }
    for workload in workloads {
      let part = try TemporaryFolder(in: folder)
      defer { part.remove() }
      try body(workload, try workload.write(into: part))
    }
  }

  private func runDevices(in folder: TemporaryFolder) throws -> Document {
    let list = try DeviceList(device, includesAll: quick, precision: precision)
    let limits = try Limits(devices: list.devices, seconds: quick ? 0.25 : 2, folder: folder)
    var document = Document(
      command: "run", machine: try Machine(folder: folder), limits: limits)
    try Console.print(document.header(devices: list.devices))
    for info in list.passedOver {
      try Console.print(
        "\(info.id) (\(info.name)) is no GPU and slower than cpu: it is measured with --quick or "
          + "--device \(info.id)")
    }
    try forEachWorkload(in: folder) { workload, paths in
      try Console.print("\n\(workload.name): \(workload.description)")
      let measurement = try DeviceMeasurement(
        workload: workload, paths: paths, devices: list.devices, limits: limits, folder: folder)
      let rows = try measurement.rows(runs: countedRuns)
      try Console.print(runTable(rows), terminator: "")
      document.rows += rows
    }
    return document
  }
}
