import Testing

@testable import Figures

@Suite struct TerminalMapTests {
  private func lines(_ map: Heatmap, width: Int = 80, _ style: TerminalMap.Style) -> [String] {
    TerminalMap(map, width: width, style: style).text.split(separator: "\n").map(String.init)
  }

  /// A line without its escape sequences.
  private func plain(_ line: String) -> String { line.replacing(/\u{1B}\[[0-9;]*m/, with: "") }

  @Test func theOriginIsLowerLeft() throws {
    let map = try Heatmap(
      values: [0, 0.35, 0.95, 1, .nan, 0.55], rows: 2, columns: 3,
      rowAxis: .init(labels: ["low", "high"]), columnAxis: .init(labels: ["left", "mid", "right"]),
      scoreName: "CKA")
    let lines = lines(map, .digits)
    let top = try #require(lines.first { $0.hasPrefix("high") })
    let bottom = try #require(lines.first { $0.hasPrefix(" low") })
    #expect(top.filter { "0123456789/".contains($0) } == "9999////5555")
    #expect(bottom.filter { "0123456789/".contains($0) } == "000033339999")
    #expect(lines.firstIndex(of: top) ?? 9 < lines.firstIndex(of: bottom) ?? 0)
    #expect(lines.contains { $0.contains("left") && $0.hasSuffix("right") })
    #expect(lines.contains("CKA 0.0 0123456789 1.0"))
    #expect(lines.contains("/ undefined: 1 of 6 cells"))
  }

  @Test func colorsAreThoseOfTheMap() throws {
    let map = try Heatmap(
      values: [0, 1], rows: 2, columns: 1, scoreName: "CKA")
    // The upper half is row 1, the foreground; the lower half row 0, the background.
    let (high, low) = (ColorMap.magma.color(at: 1), ColorMap.magma.color(at: 0))
    let painter = TerminalPainter(style: .trueColor, range: 0...1)
    #expect(
      painter.halfBlocks(upper: [1], lower: [0])
        == "\u{1B}[0;38;2;\(high.red);\(high.green);\(high.blue);"
        + "48;2;\(low.red);\(low.green);\(low.blue)m▀\u{1B}[0m")
    #expect(TerminalMap(map, style: .trueColor).text.contains("▀"))
    #expect(plain(painter.halfBlocks(upper: nil, lower: [1, .nan])) == "▄▄")
    #expect(plain(painter.halfBlocks(upper: [.nan, 1], lower: [.nan, .nan])) == "×▀")
  }

  @Test(arguments: TerminalMap.Style.allCases, [40, 41, 80, 200])
  func nothingIsWiderThanTheTerminal(style: TerminalMap.Style, width: Int) throws {
    for (rows, columns) in [(1, 1), (5, 5), (37, 90), (500, 500), (1, 700), (700, 1)] {
      let labels = { (count: Int) in (0..<count).map { nastyNames[$0 % nastyNames.count] } }
      let map = try sampleHeatmap(
        rows: rows, columns: columns,
        rowAxis: .init(labels: labels(rows), title: nastyNames.joined()),
        columnAxis: .init(labels: labels(columns), title: nastyNames.joined()),
        undefined: { row, _ in row == 1 }, title: nastyNames.joined())
      let lines = lines(map, width: width, style).map(plain)
      #expect(lines.allSatisfy { terminalWidth(of: $0) <= width })
      #expect(lines.count <= 40 + 7)
      // Names cannot steer the terminal.
      #expect(lines.allSatisfy { !$0.unicodeScalars.contains { $0.value < 32 } })
    }
  }

  @Test func scoresBelowTheScaleAreMarked() throws {
    let map = try Heatmap(values: [-0.03, 0.04, 0.5, 1], rows: 2, columns: 2, scoreName: "CKA")
    let digits = lines(map, .digits)
    #expect(digits.contains { $0.hasPrefix("0 ") && $0.filter("-0".contains).hasPrefix("0--") })
    #expect(digits.contains("- below 0 (lowest -0.03): 1 of 4 cells"))
    #expect(digits.contains("CKA 0.0 0123456789 1.0"))
    let below = ScoreScale.below
    #expect(
      TerminalMap(map, style: .trueColor).text.contains(
        "48;2;\(below.red);\(below.green);\(below.blue)"))
  }

  @Test func longNamesKeepWhatDiffers() throws {
    let axis = Heatmap.Axis(
      labels: (0..<3).map { "bert.encoder.layer.\($0).attention.output.dense" }, title: "bert")
    let map = try sampleHeatmap(rows: 3, columns: 3, rowAxis: axis, columnAxis: axis)
    let lines = lines(map, .digits)
    #expect(lines.contains { $0.hasPrefix("0 ") } && lines.contains { $0.hasPrefix("2 ") })
    #expect(lines.contains { $0.hasPrefix("rows: bert: bert.encoder.layer.*") })
  }

  @Test func blocksAreMeansOfDefinedCells() throws {
    var values = Array(repeating: 0.25, count: 200 * 200)
    for row in 0..<200 { for column in 100..<200 { values[row * 200 + column] = .nan } }
    values[0] = .infinity
    let map = try Heatmap(values: values, rows: 200, columns: 200, scoreName: "CKA")
    let frame = TerminalFrame(of: map, width: 80, height: 40, style: .digits)
    let defined = frame.blocks.map { $0.prefix(100 / frame.cellsPerBlock) }
    #expect(frame.cellsPerBlock == 6)
    let corner: Double = (0.25 * 35 + 2) / 36
    #expect(abs(defined[0][0] - corner) < 1e-12)
    #expect(defined.dropFirst().joined().allSatisfy { abs($0 - 0.25) < 1e-12 })
    #expect(frame.blocks.allSatisfy { $0.last?.isNaN == true })
    #expect(lines(map, .digits).contains("each character: mean of 6 × 6 cells"))
  }

  @Test func digitsAndShadesHaveNoEscapes() throws {
    let map = try sampleHeatmap(rows: 9, columns: 9)
    #expect(TerminalMap(map, style: .digits).text.utf8.allSatisfy { $0 < 0x80 && $0 != 0x1B })
    #expect(!TerminalMap(map, style: .shades).text.contains("\u{1B}"))
  }

  @Test func indexedColorsAreTheNearest() {
    #expect(xtermIndex(of: RGB(0x000000)) == 16)
    #expect(xtermIndex(of: RGB(0xFFFFFF)) == 231)
    #expect(xtermIndex(of: RGB(0xFF0000)) == 196)
    #expect(xtermIndex(of: RGB(0x808080)) == 244)
    #expect(xtermIndex(of: RGB(0x5F87AF)) == 67)
  }

  @Test func wideLettersCountTwice() {
    #expect(terminalWidth(of: "layer") == 5)
    #expect(terminalWidth(of: "层1") == 3)
    #expect(terminalText("层层层层", within: 5) == "层…层")
  }
}
