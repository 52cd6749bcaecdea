import Device

/// What an exact comparison takes of the memory, and what it leaves.
package struct MemoryModel: Sendable, Hashable {
  package let work: FullBatchWork
  /// Bytes that the process takes before the first example is read.
  package var base: Int
  /// Devices that share the work, each with tiles of its own.
  var sharing = 1
  /// Cores, each with a matrix of its own where examples are few.
  var cores = 1

  /// Allowance for everything not counted: drawing, writing, threads, malloc.
  package static let reserve = 40 << 20
  /// The least a device needs for packed features and sums of products.
  package static let leastWorkspace = 32 << 20

  /// Bytes that a process has taken when it is about to read the first example: the commands themselves
  /// with their libraries, and with OpenCL its driver and compiler. A constant, so that plans do not depend
  /// on some pages more or fewer.
  package static func base(of device: DeviceInfo) -> Int { (device.isOpenCL ? 160 : 48) << 20 }

  // All counts are float64, which any number of examples and layers leaves far from its limits; as Int they
  // end at `Int(bytes:)`.
  private var n: Double { Double(work.exampleCount) }

  /// What does not depend on the algorithm: lists of examples, sums of all pairs.
  private var fixed: Double {
    let columns = Double((work.right ?? work.left).count)
    return Double(base + Self.reserve) + 3 * 8 * n * (work.right == nil ? 1 : 2)
      + 6 * 8 * Double(work.left.count) * columns
  }

  /// What a device keeps of all examples: ‖x‖² and m in float32 and what they are made of, and of each
  /// feature its mean in float64 with room to find it.
  private var vectors: Double {
    work.layers.reduce(0) { $0 + 16 * n + 32 * Double($1.featureCount) } + counts + sample
  }

  /// What the exact median takes of one model at a time: counts of 2¹⁶ patterns in 64 bits, of the upper
  /// bits and then of the lower behind two of them, and a table for each core.
  private var counts: Double {
    guard case .rbf(.medianMultiple) = work.kernel else { return 0 }
    return Double(8 * (1 << 16) * (3 * max(work.left.count, work.right?.count ?? 0) + 2 * cores))
  }

  /// What a sampled median takes: matrices of the sample, of one layer at a time.
  private var sample: Double {
    guard case .rbf(.sampledMedianMultiple(_, let count)) = work.kernel else { return 0 }
    return 16 * Double(count) * Double(count + 1024)
  }

  /// What `limit` bytes leave for matrices.
  func room(within limit: Int) -> Int { max(Int(bytes: Double(limit) - fixed), 0) }

  /// All matrices at once: the stacks, a matrix before it is centered (of up to 1,024 examples one or
  /// two a core), and two slabs of features.
  var atOnce: Int {
    let triangle = n * (work.centering == .unbiased ? n - 1 : n + 1) / 2
    let stacks = 4 * Double(work.layers.count) * triangle
    let matrices: Double = n <= 1024 ? 2 * Double(cores) : 1
    return Int(
      bytes: fixed + Double(sharing)
        * (stacks + matrices * 4 * n * (n + 1024) + Double(Self.leastWorkspace)))
  }

  /// What tiles of this side take beside the stacks: one before it is centered, the other that is
  /// begun, and packed features of its rows and columns.
  private func workspace(side: Int) -> Double {
    8 * Double(side) * Double(side) + 16_384 * Double(side)
  }

  /// The peak of tiles of `layers` layers with this side, and `sums` bytes for features.
  package func peak(layers: Int, side: Int, sums: Int) -> Int {
    let tiles = 4 * Double(layers) * Double(side) * Double(side)
    return Int(bytes: fixed + Double(sharing) * (tiles + memory(side: side, sums: sums)))
  }

  /// What a device may take for anything but tiles.
  func deviceMemory(side: Int, sums: Int) -> Int { Int(bytes: memory(side: side, sums: sums)) }

  private func memory(side: Int, sums: Int) -> Double {
    vectors + workspace(side: side) + Double(Self.leastWorkspace + sums) + min(Double(sums), packed)
  }

  /// Chunks of 512 examples of all layers, one that is multiplied and one that is filled. Where they
  /// would take more than half of what there is for features, a device takes shorter ones.
  private var packed: Double {
    work.layers.reduce(0) { $0 + 2 * 512 * 4 * Double(FullBatchWork.padded($1.featureCount)) }
  }

  /// The sums that fit `room` together with packed features.
  func sums(within room: Int) -> Int { max(room / 2, Int(bytes: Double(room) - packed), 0) }

  /// The longest side of tiles of `layers` layers that fits `limit`; 0 where none of `leastSide` does.
  package func side(layers: Int, sums: Int, limit: Int) -> Int {
    let room = Double(limit - peak(layers: layers, side: 0, sums: sums)) / Double(sharing)
    guard room > 0 else { return 0 }
    // (4·layers + 8)·s² + 16,384·s ≤ room
    let (a, b) = (Double(4 * layers + 8), 16_384.0)
    let root = ((b * b + 4 * a * room).squareRoot() - b) / (2 * a)
    let most = (min(work.exampleCount, Self.mostSide) + 31) / 32 * 32
    let side = min(Int(min(root, Double(Self.mostSide))) / 32 * 32, most)
    return side >= min(Self.leastSide, work.exampleCount) ? side : 0
  }

  /// Longer sides do not pay: each value read is already used in this many products.
  static let mostSide = 4096
  /// Shorter ones would cost more for reading than for products.
  package static let leastSide = 128

  package init(work: FullBatchWork, base: Int, sharing: Int = 1, cores: Int = 1) {
    self.work = work
    self.base = base
    self.sharing = sharing
    self.cores = cores
  }
}

extension Int {
  /// So many bytes, or 2⁶² where that is less: no machine has them, and a few may be added.
  package init(bytes: Double) { self = Int(Swift.max(Swift.min(bytes, 0x1p62), -0x1p62)) }
}
