import Activations

/// A place that makes Gram matrices of activations and compares them.
///
/// Two coarse operations, so that a backend is free inside: one launch for all layers, fused
/// centering, packed storage, split sums.
public protocol Device: Sendable {
  associatedtype Stack: GramStack
  associatedtype Tiles: GramTiles

  /// What the device is.
  var info: DeviceInfo { get }

  /// The centered Gram matrices of one minibatch: layers × packed lower triangle.
  ///
  /// A layer whose values are not finite is marked in its `GramSummary` and leaves zeros; the
  /// others are not affected.
  ///
  /// - Precondition: the minibatch has at least `centering.leastExamples` examples.
  func gramStack(of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering)
    throws(DeviceError) -> Stack

  /// ⟨Kᵢ, Lⱼ⟩ for every layer i of `left` and j of `right`, in their stored units: layers(left) ×
  /// layers(right), summed in float64. Twice the same stack gives a matrix symmetric to the bit.
  ///
  /// - Precondition: both stacks come from this device, with the same examples and centering.
  func innerProducts(_ left: Stack, _ right: Stack) throws(DeviceError) -> Matrix<Double>

  /// ⟨Kᵢ, Kᵢ⟩ of every layer, in the arithmetic of `innerProducts`: to the bit what that gives for
  /// two equal layers, so that equal layers of two models have a CKA of 1.
  func squaredNorms(_ stack: Stack) throws(DeviceError) -> [Double]

  /// Prepares to make the matrices of `minibatch`, which may have any number of examples, in tiles.
  ///
  /// RBF's median is exact: of all n² squared distances, by counting their bits over all tiles.
  ///
  /// - Parameter observe: hears of every tile that a preparing pass has finished, all layers of it; the
  ///   linear kernel has no such pass.
  func gramTiles(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    division: TileDivision, observe: () -> Void
  ) throws(DeviceError) -> Tiles

  /// The tile `rows` × `columns` of the centered matrices of `layers`, as a stack for `innerProducts`
  /// and `squaredNorms`: a sum over all tiles on and below the diagonal is one over the matrix.
  ///
  /// Of a tile on the diagonal (`rows` = `columns`) the packed triangle is stored, of another, which
  /// lies below it, all entries, times √2.
  ///
  /// - Precondition: `rows` = `columns`, or all of `columns` lies before `rows`.
  func gramStack(
    of tiles: Tiles, layers: [Int], rows: Range<Int>, columns: Range<Int>
  ) throws(DeviceError) -> Stack

  /// ‖XᵢᵀYⱼ‖² (Frobenius) of the centered features of both layers of each pair, over all examples, in
  /// units of 2^(`exponentOfSquares` of left + of right), summed in float64. `left` may be `right`.
  ///
  /// With n examples that is ⟨HKH, HLH⟩, and ⟨K̃, L̃⟩ of U-centered matrices is
  /// ‖XᵀY‖² − n/(n−2)·Σ‖x‖²‖y‖² + Σ‖x‖²·Σ‖y‖²/((n−1)(n−2)). Cheap where features are few.
  func featureProducts(
    _ left: Tiles, _ right: Tiles, pairs: [LayerPair]
  ) throws(DeviceError) -> [Double]

  /// The packed numbers of one layer of a stack, as `GramCentering` orders them.
  func copyNumbers(
    ofLayer layer: Int, of stack: Stack, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError)

  /// A stack of numbers that were copied from another, and of the same bits.
  func gramStack(of packed: PackedGrams) throws(DeviceError) -> Stack
}

/// The centered Gram matrices of all layers of one minibatch, wherever the device keeps them.
///
/// Layer l's matrix is stored divided by 2^`layers[l].exponent`.
public protocol GramStack: AnyObject, Sendable {
  /// One summary a layer.
  var layers: [GramSummary] { get }
  /// Where the time went that it took to make the stack.
  var timings: StageTimings { get }
}

/// Seconds spent on a Gram stack, by stage. Stages may overlap: they need not add up to the wall
/// clock's time.
public struct StageTimings: Sendable, Hashable, Codable {
  /// Touching activations: gathering rows, converting and, on the CPU, centering features.
  public var read = 0.0
  /// Sending activations to a device with memory of its own.
  public var transfer = 0.0
  /// Gram matrices, with their centering.
  public var gram = 0.0

  /// No time at all.
  public init() {}

  /// Both times, stage by stage.
  public static func += (sum: inout StageTimings, more: StageTimings) {
    sum.read += more.read
    sum.transfer += more.transfer
    sum.gram += more.gram
  }
}

/// What is known of one layer's Gram matrix beside its entries.
public struct GramSummary: Sendable, Hashable {
  /// The stored matrix times 2^exponent is the true one.
  public var exponent: Int
  /// False where an activation is NaN or infinite, or RBF's bandwidth is zero or not finite.
  public var isFinite: Bool
  /// True where every feature has the same value in all examples.
  public var isConstant: Bool
  /// An estimate of the norm ‖E‖ of the rounding errors in the stored matrix, in stored units
  /// (`GramSummary.roundingNorm`). A centered matrix no larger than this holds no information.
  public var roundingNorm: Double
  /// RBF's σ, in units of the activations; nil for the linear kernel.
  public var sigma: Double?

  /// See the properties.
  public init(
    exponent: Int, isFinite: Bool, isConstant: Bool, roundingNorm: Double, sigma: Double? = nil
  ) {
    self.exponent = exponent
    self.isFinite = isFinite
    self.isConstant = isConstant
    self.roundingNorm = roundingNorm
    self.sigma = sigma
  }

  /// The summary of a layer without a Gram matrix: zeros are stored.
  public static func empty(isFinite: Bool, isConstant: Bool) -> GramSummary {
    GramSummary(exponent: 0, isFinite: isFinite, isConstant: isConstant, roundingNorm: 0)
  }
}

/// What a device is, and what of it can be used here and now.
public struct DeviceInfo: Sendable, Hashable {
  /// How the user names it: `cpu`, `opencl:0`.
  public var id: String
  /// The product's name.
  public var name: String
  /// The backend: `BLAS` or `OpenCL`.
  public var backend: String
  /// The driver or library with its version.
  public var driver: String
  /// Memory in bytes.
  public var memory: Int
  /// Whether it computes in float64.
  public var hasFloat64: Bool
  /// Cores or compute units.
  public var computeUnits: Int
  /// How products are made.
  public var precision: Precision

  /// What results say of it: nothing that depends on the limits of the process.
  public var identity: DeviceIdentity {
    DeviceIdentity(id: id, name: name, backend: backend, driver: driver, precision: precision)
  }

  /// See the properties.
  public init(
    id: String, name: String, backend: String, driver: String, memory: Int, hasFloat64: Bool,
    computeUnits: Int, precision: Precision = .exact
  ) {
    self.id = id
    self.name = name
    self.backend = backend
    self.driver = driver
    self.memory = memory
    self.hasFloat64 = hasFloat64
    self.computeUnits = computeUnits
    self.precision = precision
  }
}

/// What results say of the device that made them.
public struct DeviceIdentity: Sendable, Hashable, Codable {
  /// How the user names it: `cpu`, `opencl:0`.
  public var id: String
  /// The product's name.
  public var name: String
  /// The backend: `BLAS` or `OpenCL`.
  public var backend: String
  /// The driver or library with its version.
  public var driver: String
  /// How products are made.
  public var precision: Precision
}
