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
  public struct Plan: Codable, Sendable {
    /// How many pairs of layers took which algorithm; of one model, each pair once.
    public package(set) var pairs: [String: Int]
    /// The layers with tiles, by their places in each model; left out where there are no tiles.
    public package(set) var tiledLayers: [[Int]]?
    /// Examples a side; left out where there are no tiles.
    public package(set) var tileSide: Int?
    /// How many tiles; left out where there are none.
    public package(set) var tiles: Int?
    /// Readings of layers for products of their features.
    public package(set) var readings: Int?
    /// Floating-point operations.
    public package(set) var flops: Double
    /// Bytes of activations that were read.
    public package(set) var bytesRead: Double
    /// Bytes that everything might take, and the most that the process had.
    public package(set) var memory: Int
    /// See `memory`.
    public package(set) var peakMemory: Int
    /// Nil where no rates were measured.
    public package(set) var expectedSeconds: Double?
  }
}
