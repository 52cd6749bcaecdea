import Figures

extension Report {
  /// A map of scores, and what is known of each of its cells.
  public struct Map: Sendable {
    /// The same map as in the pictures.
    public var heatmap: Heatmap
    /// What it is called beside others; may be empty.
    public var name: String
    /// Further numbers of every cell, such as z: as many as the heatmap's values, NaN where there is none.
    public var extras: [(name: String, values: [Double])]
    /// One a cell, in the order of the values, such as `ok` or `constant`; nil where none is known.
    public var statuses: [String]?

    /// See the properties.
    package init(
      _ heatmap: Heatmap, name: String, extras: [(name: String, values: [Double])] = [],
      statuses: [String]? = nil
    ) {
      let count = heatmap.values.count
      precondition(extras.allSatisfy { $0.values.count == count }, "not a number a cell")
      precondition(statuses.map { $0.count == count } ?? true, "not a status a cell")
      self.heatmap = heatmap
      self.name = name
      self.extras = extras
      self.statuses = statuses
    }

    /// How many numbers it brings into the page.
    var count: Int { heatmap.values.count * (1 + extras.count) }
  }

  /// Maps of pairs of models, chosen on a map of models × models.
  public struct Pairs: Sendable {
    /// A score a pair: models × models, with the models' names.
    public var overview: Heatmap
    /// Maps of pairs, each once, with the first model's layers as rows.
    public var maps: [Map]
    /// Which of `maps` is that of (row, column) of the overview, row by row; -1 where there is none, or
    /// where it is that of (column, row), turned. At least one pair has its own.
    public var entries: [Int]
    /// What is said of a pair without a map.
    public var missing: String

    /// See the properties.
    package init(overview: Heatmap, maps: [Map], entries: [Int], missing: String) {
      precondition(entries.count == overview.values.count, "not an entry a pair")
      precondition(entries.allSatisfy { $0 < maps.count } && entries.contains { $0 >= 0 })
      self.overview = overview
      self.maps = maps
      self.entries = entries
      self.missing = missing
    }
  }
}
