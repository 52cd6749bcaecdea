/// Contiguous layers that are more alike than other layers as far apart.
public struct LayerBlock: Sendable, Hashable {
  /// Their places in the map, undefined layers between them included.
  public let layers: Range<Int>
  /// How many of them have values.
  public let size: Int
  /// The mean similarity of two of its layers.
  public let meanInside: Double
  /// The mean similarity of one of its layers with one outside.
  public let meanOutside: Double
  /// How much more alike two of its layers are than two layers at the same distance that do not share a
  /// block: the mean over distances d of the difference of means, weighted by n·m/(n + m) of n pairs
  /// inside and m outside at d. Nil where other blocks leave no pair outside to compare with.
  public let contrast: Double?
  /// p-value of the block: probability of an equal score in a network without it
  /// (`Documentation/Numerics.md`).
  public let p: Double
}

/// The block structure of one network (Nguyen, Raghu & Kornblith 2021, section 4): what `BlockDetector`
/// finds in its map.
public struct BlockStructure: Sendable, Hashable {
  /// Disjoint blocks in the order of the layers.
  public let blocks: [LayerBlock]
  /// The best candidate that is not significant, if any interval has the least contrast.
  public let insignificant: LayerBlock?
  /// Layers without values, which are left out.
  public let undefinedLayers: [Int]
  /// Undefined pairs of other layers, which count neither for nor against a block.
  public let undefinedPairs: Int
}
