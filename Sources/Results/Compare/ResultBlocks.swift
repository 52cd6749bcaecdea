import Analyses

extension ResultDocument {
  /// Contiguous layers that stand out: `LayerBlock`.
  public struct Block: Codable, Sendable {
    /// The places of its first and its last layer, counted from 0.
    public package(set) var first: Int
    /// See `first`.
    public package(set) var last: Int
    /// The name of the first layer.
    public package(set) var firstLayer: String
    /// The name of the last layer.
    public package(set) var lastLayer: String
    /// Layers with values.
    public package(set) var size: Int
    /// Mean CKA of pairs of its layers.
    public package(set) var meanInside: Double
    /// Mean CKA of a layer of it with one outside.
    public package(set) var meanOutside: Double
    /// The least drop of similarity at an edge; left out in some older results.
    public package(set) var contrast: Double?
    /// The share of null maps with a block of such a score; left out where that was not tested.
    public package(set) var p: Double?

    init(_ block: LayerBlock, of model: Model) {
      (first, last) = (block.layers.lowerBound, block.layers.upperBound - 1)
      (firstLayer, lastLayer) = (model.layers[first].name, model.layers[last].name)
      size = block.size
      (meanInside, meanOutside) = (block.meanInside, block.meanOutside)
      (contrast, p) = (block.contrast, block.p)
    }

    /// The places of its layers, counted from 0.
    public var layers: Range<Int> { first..<(last + 1) }
  }

  /// Adds the blocks of a network's map with itself, which pictures outline; of two models there are none.
  public mutating func add(_ structure: BlockStructure) {
    blocks = structure.blocks.map { Block($0, of: models[0]) }
  }
}
