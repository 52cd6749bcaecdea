/// Contiguous layers that are alike, with edges across which similarity drops.
public struct LayerBlock: Sendable, Hashable {
  /// Their places in the map, undefined layers between them included.
  public let layers: Range<Int>
  /// How many of them have values.
  public let size: Int
  /// The mean similarity of two of its layers.
  public let meanInside: Double
  /// The mean similarity of one of its layers with one outside.
  public let meanOutside: Double
  /// The least drop of similarity at an edge: see `BlockEdges`.
  public let contrast: Double
  /// The chance of a block of such a score in a network without blocks; nil where that was not tested.
  public let p: Double?
}

/// The block structure of one network (Nguyen, Raghu & Kornblith 2021, section 4): what `BlockDetector`
/// finds in its map.
public struct BlockStructure: Sendable, Hashable {
  /// What a candidate lacks.
  public enum Shortfall: String, Sendable, Hashable, CaseIterable {
    /// The network has too few layers for a block and as many beyond it.
    case tooFewLayers = "too-few-layers"
    /// It has fewer layers than a block.
    case tooSmall = "too-small"
    /// Similarity drops less than the least contrast at an edge.
    case contrast = "contrast"
    /// Similarity falls inside as well: a trend.
    case inside = "falls-inside"
    /// Similarity falls on beyond an edge: a trend.
    case beyond = "falls-beyond"
    /// Its halves are no more alike than it and what lies beyond.
    case ends = "no-more-alike"
    /// Networks without blocks have such candidates.
    case significance = "not-significant"
  }

  /// Disjoint blocks in the order of the layers.
  public let blocks: [LayerBlock]
  /// Where there is no block, the candidate that came closest; nil without candidates.
  public let closest: LayerBlock?
  /// What it lacks.
  public let shortfalls: [Shortfall]
  /// Layers without values, which are left out.
  public let undefinedLayers: [Int]
  /// Undefined pairs of other layers, which count as the mean of their distance.
  public let undefinedPairs: Int
}
