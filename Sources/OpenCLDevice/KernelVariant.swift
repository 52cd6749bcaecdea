import CKAKernels
import Device

/// One program of `Kernels/OpenCL` with its defines: the key of a runtime's program cache.
struct KernelVariant: Sendable, Hashable {
  /// A file of kernels and the shared declarations that it needs.
  struct Source: Sendable, Hashable {
    let name: String
    /// File names and texts, in the order they are compiled.
    let texts: [String]

    init(name: String, files: [(name: String, text: String)]) {
      self.name = name
      // The compiler's log then names the file and its own line.
      texts = files.map { "#line 1 \"\($0.name)\"\n\($0.text)" }
    }

    private static let scalars = ("scalars.h", String(cString: cka_kernels_scalars))
    private static let wide = ("wide.h", String(cString: cka_kernels_wide))
    private static let triangle = ("triangle.h", String(cString: cka_kernels_triangle))
    private static let mma = ("mma.h", String(cString: cka_kernels_mma))
    private static let tiles = ("tiles.h", String(cString: cka_kernels_tiles))

    static let features = Source(
      name: "features.cl",
      files: [scalars, ("features.cl", String(cString: cka_kernels_features))])
    static let gram = Source(
      name: "gram.cl",
      files: [scalars, tiles, triangle, ("gram.cl", String(cString: cka_kernels_gram))])
    static let tensor = Source(
      name: "tensor.cl",
      files: [scalars, triangle, mma, ("tensor.cl", String(cString: cka_kernels_tensor))])
    static let reduce = Source(
      name: "reduce.cl",
      files: [scalars, triangle, ("reduce.cl", String(cString: cka_kernels_reduce))])
    static let rbf = Source(
      name: "rbf.cl", files: [scalars, triangle, ("rbf.cl", String(cString: cka_kernels_rbf))])
    static let center = Source(
      name: "center.cl",
      files: [scalars, wide, triangle, ("center.cl", String(cString: cka_kernels_center))])
    static let pairs = Source(
      name: "pairs.cl",
      files: [wide, tiles, triangle, ("pairs.cl", String(cString: cka_kernels_pairs))])
  }

  let source: Source
  /// Sorted by name; an empty value defines a name alone.
  let defines: [Define]

  struct Define: Sendable, Hashable {
    let name: String
    let value: String
  }

  init(_ source: Source, defines: [String: String] = [:]) {
    self.source = source
    self.defines = defines.map { Define(name: $0.key, value: $0.value) }
      .sorted { $0.name < $1.name }
  }

  var name: String { source.name }
  var sources: [String] { source.texts }

  /// What the compiler is told. Never `-cl-fast-relaxed-math`: sums would lose their order.
  var options: String {
    let words = defines.map { $0.value.isEmpty ? "-D\($0.name)" : "-D\($0.name)=\($0.value)" }
    return (["-cl-std=CL1.2"] + words).joined(separator: " ")
  }
}

/// The numbers that the kernels are compiled with and the host divides the work by.
struct Tuning: Sendable, Hashable {
  /// Rows and columns of a tile of a Gram matrix: TILE of gram.cl.
  var tile = 64
  /// Rows and columns of a work-item's register tile: REGISTERS of gram.cl.
  var registers = 8
  /// Features of a slice: a float32 sum of products is no longer than this.
  var slice = 512
  /// Products of two Gram matrices' entries that are added in float32: FLUSH of pairs.cl.
  var flush = 128
  /// Rows and columns of a tile of layer pairs: TILE of pairs.cl.
  var pairTile = 32
  /// Numbers of a packed triangle in a slice of their sums, at least.
  var leastPairSlice = 4096
  /// Whether sums are made in float64 or in pairs of float32.
  var usesFloat64: Bool
  /// Where tensor.cl is used.
  var tensors = Tensors.whereKnown

  enum Tensors: Sendable, Hashable {
    /// On devices that say they know its instructions.
    case whereKnown
    /// Everywhere, for tests: with its instructions in plain OpenCL C.
    case emulated
    /// Everywhere, for tests of what happens where the compiler refuses them.
    case assumed
  }

  /// Features that rows are padded to: BLOCK of scalars.h.
  static let block = 32
  /// Work-items that share a row: ROW_ITEMS of rbf.cl and center.cl.
  static let rowItems = 64
  /// Work-items that share a layer: LAYER_ITEMS of center.cl.
  static let layerItems = 128
  /// Work-items that share a part's blocks: PART_LANES of features.cl.
  static let partLanes = 64
  /// Work-items that share a block's rows: ROW_LANES of features.cl.
  static let rowLanes = 8
  /// Work-items of `reduce_slices`: REDUCE_LANES of reduce.cl.
  static let reduceLanes = 256
  /// Bins of a histogram, and work-items of its kernels: BINS of rbf.cl.
  static let bins = 256

  /// The slices of a packed triangle that pairs are summed in: at most 256 of them, whatever the
  /// device, so that the sums do not depend on it.
  func pairSlice(layerStride: Int) -> Int {
    max(leastPairSlice, (layerStride + 255) / 256).roundedUp(to: flush)
  }

  var features: KernelVariant { KernelVariant(.features) }
  var gram: KernelVariant {
    KernelVariant(.gram, defines: ["TILE": "\(tile)", "REGISTERS": "\(registers)"])
  }
  var reduce: KernelVariant { KernelVariant(.reduce, defines: ["TILE": "\(tile)"]) }
  var rbf: KernelVariant { KernelVariant(.rbf) }
  var center: KernelVariant { KernelVariant(.center, defines: wideDefines) }
  var pairs: KernelVariant {
    KernelVariant(
      .pairs,
      defines: wideDefines.merging(["FLUSH": "\(flush)", "TILE": "\(pairTile)"]) { $1 })
  }

  private var wideDefines: [String: String] { usesFloat64 ? ["USE_FLOAT64": ""] : [:] }
}

extension Int {
  /// The least multiple of `unit` that is not smaller.
  func roundedUp(to unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
