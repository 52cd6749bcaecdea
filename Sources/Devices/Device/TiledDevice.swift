import Activations

/// A device that makes Gram matrices of any number of examples, a tile at a time.
public protocol TiledDevice: Device {
  associatedtype TiledInput: TiledGramInput

  /// Prepares to make the matrices of `minibatch`, which may have any number of examples, in tiles.
  ///
  /// RBF's median is exact: of all n² squared distances, by counting their bits over all tiles.
  ///
  /// - Parameters:
  ///   - minibatch: the layers and their examples.
  ///   - kernel: what fills the matrices.
  ///   - centering: how they are centered.
  ///   - division: how large a tile may be, and the memory for anything else.
  ///   - observe: hears of every tile that a preparing pass has finished, all layers of it; the linear kernel
  ///     has no such pass.
  func prepareTiles(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    division: TileDivision, observe: () -> Void
  ) throws(DeviceError) -> TiledInput

  /// The tile `rows` × `columns` of the centered matrices of `layers`, as a stack for `innerProducts`
  /// and `squaredNorms`: a sum over all tiles on and below the diagonal is one over the matrix.
  ///
  /// Of a tile on the diagonal (`rows` = `columns`) the packed triangle is stored, of another, which
  /// lies below it, all entries, times √2.
  ///
  /// - Precondition: `rows` = `columns`, or all of `columns` lies before `rows`.
  func gramStack(
    of input: TiledInput, layers: [Int], rows: Range<Int>, columns: Range<Int>
  ) throws(DeviceError) -> Stack
}

/// A device that compares layers by their features.
public protocol CrossCovarianceDevice: TiledDevice {
  /// ‖XᵢᵀYⱼ‖² (Frobenius) of the centered features of both layers of each pair, over all examples, in
  /// units of 2^(`exponentOfSquares` of left + of right), summed in float64. `left` may be `right`.
  ///
  /// With n examples that is ⟨HKH, HLH⟩, and ⟨K̃, L̃⟩ of U-centered matrices is
  /// ‖XᵀY‖² − n/(n−2)·Σ‖x‖²‖y‖² + Σ‖x‖²·Σ‖y‖²/((n−1)(n−2)). Cheap where features are few.
  func crossCovarianceNorms(
    _ left: TiledInput, _ right: TiledInput, pairs: [LayerPair]
  ) throws(DeviceError) -> [Double]
}

/// Some layers over so many examples that their Gram matrices are made in tiles.
///
/// Holds what has to be known before the first tile, by one reading of all examples (linear), or by
/// passes over the tiles (RBF): numbers a feature and an example, none a pair of examples. All tiles of
/// a layer are in the same units, so that sums over tiles add up.
public protocol TiledGramInput: AnyObject, Sendable {
  /// One summary a layer. `roundingNorm` is 0: the norm it depends on is only known at the end.
  var layers: [GramSummary] { get }
  /// ‖xᵢ‖² of a layer's centered features: n numbers in units of 2^`exponentOfSquares`. Of a layer that
  /// is not finite or is constant, zeros.
  func squaredNorms(ofLayer layer: Int) -> [Float]
  /// The power of two of `squaredNorms` and of `crossCovarianceNorms`; for the linear kernel, the summary's
  /// `exponent`.
  func exponentOfSquares(ofLayer layer: Int) -> Int
  /// What is taken from the matrix's entries, K_ij − mᵢ − mⱼ: n numbers in stored units.
  func rowMeans(ofLayer layer: Int) -> [Float]
  /// Where the time went so far.
  var timings: StageTimings { get }
}

/// How much is made at a time.
public struct TileDivision: Sendable, Hashable {
  /// The most examples along a side of a tile; 0 where none will be made.
  public var side: Int
  /// Bytes that the device may take for anything but tiles: what it keeps of all examples, packed
  /// features, sums of `crossCovarianceNorms`.
  public var memory: Int

  /// See the properties.
  public init(side: Int, memory: Int) {
    self.side = side
    self.memory = memory
  }
}

/// A layer of one set and a layer of another.
public struct LayerPair: Sendable, Hashable {
  /// The index in the first set.
  public var left: Int
  /// The index in the second set.
  public var right: Int

  /// See the properties.
  public init(_ left: Int, _ right: Int) {
    self.left = left
    self.right = right
  }
}
