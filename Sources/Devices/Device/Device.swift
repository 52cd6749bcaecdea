import Activations

/// A device that computes Gram matrices and their inner products.
///
/// Three operations are a device: it then does every estimate from minibatches, and those over all examples that
/// fit the memory at once. They are coarse, so that a backend is free inside: one launch for all layers, fused
/// centering, packed storage, split sums.
///
/// What else a device can do are protocols of their own, which nobody has to take:
/// - `TiledDevice` makes matrices of any number of examples in tiles;
/// - `CrossCovarianceDevice` compares layers of few features without any Gram matrix;
/// - `PackedDevice` hands matrices out and takes them back, which `components`, `trust`, `probe` and `sweep` need.
///   A device whose stacks are `PackedStack` has that for nothing.
public protocol Device: Sendable {
  associatedtype Stack: GramStack

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

/// Properties of a device and the resources available to this process.
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
  /// Why products are not made as was asked for, for people; else nil.
  public var precisionNote: String?

  /// What results say of it: nothing that depends on the limits of the process.
  public var identity: DeviceIdentity {
    DeviceIdentity(id: id, name: name, backend: backend, driver: driver, precision: precision)
  }

  /// See the properties.
  public init(
    id: String, name: String, backend: String, driver: String, memory: Int, hasFloat64: Bool,
    computeUnits: Int, precision: Precision = .exact, precisionNote: String? = nil
  ) {
    self.id = id
    self.name = name
    self.backend = backend
    self.driver = driver
    self.memory = memory
    self.hasFloat64 = hasFloat64
    self.computeUnits = computeUnits
    self.precision = precision
    self.precisionNote = precisionNote
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
