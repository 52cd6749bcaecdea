import Activations
import Device

/// Which products of a run tensor cores make, and with which programs of tensor.cl.
struct TensorUse: Sendable, Hashable {
  /// How parts of 32-bit numbers are made: SPLIT and ROUND of tensor.cl; nil leaves them to gram.cl.
  enum FloatMode: UInt32, Sendable {
    case split = 0
    case round = 1
  }

  /// A program of tensor.cl; each leaves alone the parts that others make.
  enum Program: Sendable, CaseIterable {
    /// Three passes over numbers split in two.
    case split
    /// One pass over float16.
    case half
    /// One pass over bfloat16.
    case bfloat
  }

  let floatMode: FloatMode?

  init(floatMode: FloatMode?) { self.floatMode = floatMode }

  init(_ precision: Precision, kernel: GramKernel) {
    switch precision {
    case .exact: floatMode = nil
    case .compensated: floatMode = .split
    case .fast: floatMode = kernel == .linear ? .round : .split
    }
  }

  /// The programs that may make a part of this format; none where gram.cl does.
  func programs(for format: ScalarFormat) -> [Program] {
    // Whether 16-bit numbers are made raw, the device decides from their means: see tensor_scales.
    switch format {
    case .float16: [.half, .split]
    case .bfloat16: [.bfloat, .split]
    case .float32:
      switch floatMode {
      case .split: [.split]
      case .round: [.half]
      case nil: []
      }
    }
  }
}

extension Tuning {
  /// For runs in which tensor cores take part: tiles of 128 rows, two of 64 for each warp, and
  /// longer slices, because tensor.cl's sums do not drift.
  func forTensors(exampleCount n: Int) -> Tuning {
    var tuning = self
    tuning.gram =
      n <= 64
      ? TileShape(tile: 64, rows: 8, columns: 8, depth: 8)
      : TileShape(tile: 128, rows: 8, columns: 8, depth: 16)
    tuning.slice = 2048
    return tuning
  }

  /// Work-items of `tensor_partials`: ITEMS of tensor.cl.
  static let tensorItems = 256

  func tensor(_ program: TensorUse.Program) -> KernelVariant {
    var defines = ["TILE": "\(gram.tile)", "PASSES": program == .split ? "3" : "1"]
    if program == .bfloat { defines["BFLOAT16"] = "" }
    if tensors == .emulated { defines["CKA_EMULATE_MMA"] = "" }
    return KernelVariant(.tensor, defines: defines)
  }
}

extension Runtime {
  /// How tensor cores take part in a run; nil where they are not there, not needed, or failed their
  /// test, which is made at the first need.
  func tensorUse(for minibatch: Minibatch, kernel: GramKernel) -> TensorUse? {
    let use = TensorUse(precision, kernel: kernel)
    let formats = minibatch.layers.map { GatherSource(layer: $0, examples: []).format }
    guard formats.contains(where: { !use.programs(for: $0).isEmpty }) else { return nil }
    return whyNoTensors() == nil ? use : nil
  }

  /// Starts the kernel that decides how each part of a group is made.
  func scaleTensors(
    _ group: GramPlan.Group, in slot: Workspace.Slot, of workspace: Workspace, use: TensorUse,
    tuning: Tuning, exampleCount n: Int
  ) throws(DeviceError) {
    try launch(
      kernel("tensor_scales", of: tuning.tensor(.split)),
      global: [group.parts.count * Tuning.partLanes], local: [Tuning.partLanes],
      [
        .buffer(slot.parts), .buffer(slot.partScales), .buffer(workspace.blockRanges),
        .buffer(workspace.blockMoments), .uint(Int((use.floatMode ?? .split).rawValue)),
        .float(Float(RoundingModel.offsetLimit(exampleCount: n))), .buffer(workspace.tensorParts),
      ])
  }
}
