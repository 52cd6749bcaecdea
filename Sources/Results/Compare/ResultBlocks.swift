import Analyses

extension ResultDocument {
  /// Contiguous layers that stand out: `LayerBlock`.
  package struct Block: Codable {
    /// The places of its first and its last layer, counted from 0.
    var first: Int
    var last: Int
    var firstLayer: String
    var lastLayer: String
    /// Layers with values.
    var size: Int
    var meanInside: Double
    var meanOutside: Double
    /// Left out where other blocks leave no layers to compare with.
    package var contrast: Double?
    var p: Double

    init(_ block: LayerBlock, of model: Model) {
      (first, last) = (block.layers.lowerBound, block.layers.upperBound - 1)
      (firstLayer, lastLayer) = (model.layers[first].name, model.layers[last].name)
      size = block.size
      (meanInside, meanOutside) = (block.meanInside, block.meanOutside)
      (contrast, p) = (block.contrast, block.p)
    }

    package var layers: Range<Int> { first..<(last + 1) }
  }

  /// Adds the blocks of a network's map with itself.
  package mutating func add(_ structure: BlockStructure) {
    blocks = structure.blocks.map { Block($0, of: models[0]) }
  }
}
