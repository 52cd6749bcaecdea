import Figures

extension Report {
  /// Looks whether the parts fit each other, all of which a caller may have changed since they were made.
  func check() throws(FigureError) {
    for panel in sections.flatMap(\.panels) {
      switch panel {
      case .maps(let maps, label: _):
        guard !maps.isEmpty else { throw .invalid("a panel of maps has none") }
        for map in maps { try map.check() }
      case .pairs(let pairs): try pairs.check()
      case .table(let table):
        guard table.rows.allSatisfy({ $0.count == table.columns.count }) else {
          throw .invalid("a row of a table does not have its \(table.columns.count) columns")
        }
      case .chart, .intervals, .picture: break
      }
    }
  }
}

extension Report.Map {
  /// Statuses at most: each has a number of 8 bits.
  private static let mostStatuses = 256

  fileprivate func check() throws(FigureError) {
    let cells = heatmap.values.count
    for extra in extras where extra.values.count != cells {
      throw .invalid("\(extra.values.count) numbers '\(extra.name)' for \(cells) cells")
    }
    guard let statuses else { return }
    guard statuses.count == cells else {
      throw .invalid("\(statuses.count) statuses for \(cells) cells")
    }
    let different = Set(statuses).count
    guard different <= Self.mostStatuses else {
      throw .invalid("\(different) different statuses, expected \(Self.mostStatuses) at most")
    }
  }
}

extension Report.Pairs {
  fileprivate func check() throws(FigureError) {
    for map in maps { try map.check() }
    let cells = overview.values.count
    guard entries.count == cells else {
      throw .invalid("\(entries.count) entries for \(cells) pairs")
    }
    guard entries.allSatisfy({ $0 < maps.count }), entries.contains(where: { $0 >= 0 }) else {
      throw .invalid("an entry of a pair is none of \(maps.count) maps, or no pair has one")
    }
  }
}
