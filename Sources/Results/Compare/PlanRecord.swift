import CKA
import Device
import Support

extension ResultDocument.Plan {
  package init(_ plan: FullBatchPlan, of comparison: Comparison, memory: Int?) {
    pairs = Dictionary(
      uniqueKeysWithValues: plan.pairCounts.map { ($0.key.rawValue, $0.value) })
    if plan.tileCount > 0 {
      tiledLayers =
        comparison.right == nil ? [plan.tiledLeft] : [plan.tiledLeft, plan.tiledRight]
      tileSide = plan.division.side
      tiles = plan.tileCount
    }
    if plan.featureGroupCount > 0 { readings = plan.featureGroupCount }
    flops = plan.cost.flops
    bytesRead = plan.cost.bytesRead
    self.memory = memory ?? Comparison.defaultMemory
    peakMemory = ProcessMemory.peak
    expectedSeconds = plan.cost.seconds
  }
}

extension ResultDocument {
  /// How an estimate over all examples was made.
  package struct Plan: Codable {
    /// How many pairs of layers took which algorithm; of one model, each pair once.
    var pairs: [String: Int]
    /// The layers with tiles, by their places in each model; left out where there are no tiles.
    var tiledLayers: [[Int]]?
    /// Examples a side; left out where there are no tiles.
    var tileSide: Int?
    var tiles: Int?
    /// Readings of layers for products of their features.
    var readings: Int?
    var flops: Double
    var bytesRead: Double
    /// Bytes that everything might take, and the most that the process had.
    var memory: Int
    var peakMemory: Int
    /// Nil where no rates were measured.
    var expectedSeconds: Double?
  }
}
