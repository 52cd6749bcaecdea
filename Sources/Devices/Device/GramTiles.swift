import Activations

/// The centered Gram matrices of some layers over so many examples that only parts of them, tiles,
/// are made at a time.
///
/// Holds what has to be known before the first tile, by one reading of all examples (linear), or by
/// passes over the tiles (RBF): numbers a feature and an example, none a pair of examples. All tiles of
/// a layer are in the same units, so that sums over tiles add up.
public protocol GramTiles: AnyObject, Sendable {
  /// One summary a layer. `roundingNorm` is 0: the norm it depends on is only known at the end.
  var layers: [GramSummary] { get }
  /// ‖xᵢ‖² of a layer's centered features: n numbers in units of 2^`exponentOfSquares`. Of a layer that
  /// is not finite or is constant, zeros.
  func squaredNorms(ofLayer layer: Int) -> [Float]
  /// The power of two of `squaredNorms` and of `featureProducts`; for the linear kernel, the summary's
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
  /// features, sums of `featureProducts`.
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
