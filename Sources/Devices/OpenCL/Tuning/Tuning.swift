/// How a product of two tiles is divided among the work-items of a group: the defines of tiles.h.
/// Each sum takes its terms in one order, whatever the shape: no result depends on it.
public struct TileShape: Sendable, Hashable, Codable {
  /// Rows and columns of a tile: TILE.
  public var tile: Int
  /// Rows of one work-item: REGISTER_ROWS.
  public var rows: Int
  /// Columns of one work-item: REGISTER_COLUMNS.
  public var columns: Int
  /// Numbers of a row in local memory at a time: DEPTH.
  public var depth: Int

  /// See the properties.
  public init(tile: Int, rows: Int, columns: Int, depth: Int) {
    self.tile = tile
    self.rows = rows
    self.columns = columns
    self.depth = depth
  }

  /// Work-items of a group.
  public var items: Int { tile / rows * (tile / columns) }
  /// Local memory of a group in bytes: two tiles, twice.
  public var localBytes: Int { 2 * 2 * tile * depth * MemoryLayout<Float>.size }

  /// Whether the kernels can be compiled for it: what tiles.h asks for.
  public var isValid: Bool {
    guard (32...256).contains(tile), tile % 32 == 0, [8, 16, 32].contains(depth) else {
      return false
    }
    guard [4, 8, 12, 16].contains(rows), [4, 8, 12, 16].contains(columns),
      tile % (4 * rows) == 0, tile % (8 * columns) == 0
    else { return false }
    return items % 32 == 0 && tile * (depth / 4) % items == 0
  }

  /// Whether a group fits a device.
  public func fits(_ device: OpenCLDeviceDescription) -> Bool {
    items <= device.largestWorkGroup && localBytes <= device.localMemory
  }

  var defines: [String: String] {
    [
      "TILE": "\(tile)", "REGISTER_ROWS": "\(rows)", "REGISTER_COLUMNS": "\(columns)",
      "DEPTH": "\(depth)",
    ]
  }
}

extension TileShape: CustomStringConvertible {
  /// For people: `64 by 8 × 8, depth 16`.
  public var description: String { "\(tile) by \(rows) × \(columns), depth \(depth)" }
}

/// The numbers that the kernels are compiled with and the host divides the work by.
struct Tuning: Sendable, Hashable {
  /// The tiles of gram.cl.
  var gram: TileShape
  /// The tiles of pairs.cl.
  var pair: TileShape
  /// Features of a slice: a float32 sum of products is no longer than this.
  var slice = 1024
  /// Products of two Gram matrices' entries that are added in float32: FLUSH of pairs.cl.
  var flush = 128
  /// Numbers of a packed triangle in a slice of their sums, at least.
  var leastPairSlice = 4096
  /// Whether sums are made in float64 or in pairs of float32.
  var usesFloat64: Bool
  /// Whether the shapes were measured on this device.
  var isMeasured = false
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
  /// Rows of a strip, and work-items that share its columns: STRIP and STRIP_LANES of center.cl.
  static let strip = 32
  static let stripLanes = 8
  /// Work-items that share a layer: LAYER_ITEMS of center.cl.
  static let layerItems = 128
  /// Work-items that share a part's blocks: PART_LANES of features.cl.
  static let partLanes = 64
  /// Work-items that share a block's rows: ROW_LANES of features.cl.
  static let rowLanes = 8
  /// Work-items of `reduce_slices`: REDUCE_LANES of reduce.cl.
  static let reduceLanes = 256
  /// Examples of a slice of feature products: a float32 sum of products is no longer than this.
  static let exampleSlice = 512
  /// Work-items that count a tile's distances, and bins of half a float32: HISTOGRAM_ITEMS and BINS of
  /// entries.cl.
  static let histogramItems = 256
  static let halfBins = 1 << 16
  /// Bins that a work-group counts in local memory: WINDOW of entries.cl.
  static let window = 2048
  /// Work-items that share the entries of a tile: SQUARE_ITEMS of cross.cl.
  static let squareItems = 64
  /// Bins of a histogram, and work-items of its kernels: BINS of rbf.cl.
  static let bins = 256

  /// The slices of a packed triangle that pairs are summed in: at most 256 of them, whatever the
  /// device, so that the sums do not depend on it.
  func pairSlice(layerStride: Int) -> Int {
    max(leastPairSlice, (layerStride + 255) / 256).roundedUp(to: flush)
  }

  var features: KernelVariant { KernelVariant(.features) }
  var gramProgram: KernelVariant { KernelVariant(.gram, defines: gram.defines) }
  var reduce: KernelVariant { KernelVariant(.reduce, defines: ["TILE": "\(gram.tile)"]) }
  var rbf: KernelVariant { KernelVariant(.rbf) }
  var center: KernelVariant { KernelVariant(.center, defines: wideDefines) }
  var pairProgram: KernelVariant {
    KernelVariant(
      .pairs,
      defines: wideDefines.merging(pair.defines) { $1 }.merging(["FLUSH": "\(flush)"]) { $1 })
  }

  var entries: KernelVariant { KernelVariant(.entries, defines: wideDefines) }
  var cross: KernelVariant {
    KernelVariant(.cross, defines: wideDefines.merging(gram.defines) { $1 })
  }

  private var wideDefines: [String: String] { usesFloat64 ? ["USE_FLOAT64": ""] : [:] }
}

extension Tuning {
  /// What is good for a kind of device before anything was measured on it. Reckoned from what the
  /// devices have, except for CPU runtimes, where PoCL was measured.
  enum Family: CaseIterable {
    case nvidia, amd, intelGPU, cpu, other

    init(_ device: OpenCLDeviceDescription) {
      let vendor = device.vendor.lowercased()
      self =
        if device.isCPU {
          .cpu
        } else if vendor.contains("nvidia") {
          .nvidia
        } else if vendor.contains("advanced micro devices") || vendor.contains("amd") {
          .amd
        } else if vendor.contains("intel") {
          .intelGPU
        } else { .other }
    }

    /// The shapes of gram.cl and of pairs.cl.
    var shapes: (gram: TileShape, pair: TileShape) {
      let pair = TileShape(tile: 32, rows: 4, columns: 4, depth: 16)
      return switch self {
      // Small tiles waste less of the diagonal; tiles.h has the count.
      case .nvidia: (TileShape(tile: 64, rows: 8, columns: 8, depth: 8), pair)
      // One wavefront of 64 a tile; 64 KiB of local memory hold eight of them.
      case .amd: (TileShape(tile: 64, rows: 8, columns: 8, depth: 8), pair)
      // Half as many registers a work-item.
      case .intelGPU: (TileShape(tile: 64, rows: 8, columns: 4, depth: 16), pair)
      // Barriers are loops over the work-items: few of them, and long runs in between.
      case .cpu:
        (
          TileShape(tile: 64, rows: 4, columns: 8, depth: 32),
          TileShape(tile: 32, rows: 4, columns: 4, depth: 16)
        )
      case .other: (TileShape(tile: 32, rows: 4, columns: 4, depth: 16), pair)
      }
    }
  }

  /// The defaults for a device, or for any where its own do not fit it.
  init(_ device: OpenCLDeviceDescription) {
    let own = Family(device).shapes
    let any = Family.other.shapes
    self.init(
      gram: own.gram.fits(device) ? own.gram : any.gram,
      pair: own.pair.fits(device) ? own.pair : any.pair, usesFloat64: device.hasFloat64)
  }
}

extension Int {
  /// The least multiple of `unit` that is not smaller.
  func roundedUp(to unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
