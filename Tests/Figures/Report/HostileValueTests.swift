import Figures
import Testing

@testable import Report

/// Reports whose parts contradict each other, and numbers that no careful caller has: an error each, or a page.
struct HostileReportTests {
  private func map(_ values: [Double] = [1]) throws -> Report.Map {
    Report.Map(
      try Heatmap(values: values, rows: 1, columns: values.count, scoreName: ""), name: "")
  }

  private func refuses(_ panel: Report.Panel, _ words: String) {
    let report = Report(
      title: "", facts: [], sections: [.init("", panels: [panel])], footer: "")
    let error = #expect(throws: FigureError.self) { try report.page() }
    #expect(error?.kind == .invalid)
    #expect(error?.context.contains(words) == true, "\(error?.context ?? "")")
  }

  @Test func partsThatDoNotFit() throws {
    refuses(.maps([], label: ""), "a panel of maps has none")
    var extra = try map()
    extra.extras = [("z", [])]
    refuses(.maps([extra], label: ""), "0 numbers 'z' for 1 cells")
    var statuses = try map()
    statuses.statuses = ["ok", "ok"]
    refuses(.maps([statuses], label: ""), "2 statuses for 1 cells")
    var many = try map((0..<300).map { Double($0) / 300 })
    many.statuses = (0..<300).map(String.init)
    refuses(.maps([many], label: ""), "300 different statuses")
    var table = Report.Table([.text("a")], rows: [["1"]])
    table.rows.append([])
    refuses(.table(table), "1 columns")
    let overview = try map().heatmap
    var pairs = Report.Pairs(overview: overview, maps: [try map()], entries: [0], missing: "")
    pairs.entries = [1]
    refuses(.pairs(pairs), "none of 1 maps")
    pairs.entries = [-1]
    refuses(.pairs(pairs), "no pair has one")
    pairs.entries = []
    refuses(.pairs(pairs), "0 entries for 1 pairs")
    pairs.entries = [0]
    pairs.maps[0].statuses = []
    refuses(.pairs(pairs), "0 statuses for 1 cells")
  }

  @Test func aNumberThatJSONHasNot() throws {
    let chart = try LineChart(
      panels: [
        [.init(xTitle: "", curves: [.init(points: [.init(x: 1, y: 1)])], expectedSlope: .nan)]
      ], rowTitles: [""])
    refuses(.chart(chart), "a number that JSON has not")
  }

  @Test(arguments: [0, Int.max])
  func numbersOfAnySize(total: Int) {
    let numbers: [Double] = [
      0, -0.0, 5e-324, -5e-324, 1, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity,
      -.infinity, .nan,
    ]
    for low in numbers {
      for high in numbers {
        var blocks = NumberBlocks(total: total)
        _ = blocks.add([low, high, low])
        #expect(!blocks.markup.isEmpty)
      }
    }
    var blocks = NumberBlocks(total: total)
    _ = blocks.add(numbers)
    _ = blocks.add([])
  }
}
