import Testing

@testable import Figures

@Suite struct DisplayTextTests {
  @Test func invisibleCharactersAreEscaped() {
    #expect(displayText("a\nb\r\tc") == "a\\nb\\r\\tc")
    #expect(displayText("\u{0}\u{1B}\u{7F}\u{9B}") == "\\u{0}\\u{1b}\\u{7f}\\u{9b}")
    #expect(displayText("\u{202E}\u{2028}") == "\\u{202e}\\u{2028}")
    #expect(displayText(noncharacters) == "\\u{fffe}\\u{fdd0}")
  }

  @Test func visibleCharactersAreKept() {
    let text = "<b>\"q\"</b> & 层 слой ünïcödé 👨‍👩‍👧"
    #expect(displayText(text) == text)
  }

  @Test func aMegabyteIsCutBeforeItIsMeasured() {
    let text = displayText("start" + String(repeating: "\n", count: 1 << 20) + "end")
    #expect(text.count < 2000)
    #expect(text.hasPrefix("start") && text.hasSuffix("end"))
  }

  @Test(arguments: 0...12)
  func shorteningFillsTheRoom(room: Int) {
    let result = shortened("0123456789", until: { $0.count <= room })
    #expect(result.count == min(room, 10))
    #expect(room >= 10 || room == 0 || result.contains("…"))
  }
}

@Suite struct UndefinedBlocksTests {
  @Test func anUndefinedLayerIsThreeBlocks() throws {
    let map = try sampleHeatmap(rows: 100, columns: 100, undefined: { $0 == 30 || $1 == 60 })
    #expect(blocks(of: map) { map.values[$0].isNaN }.count == 3)
  }

  @Test func blocksCoverTheUndefinedCellsOnce() throws {
    func isUndefined(_ row: Int, _ column: Int) -> Bool { (row * 7 + column * 5) % 11 < 4 }
    let map = try sampleHeatmap(rows: 23, columns: 31, undefined: isUndefined)
    var covered = Array(repeating: 0, count: 23 * 31)
    let blocks = blocks(of: map) { map.values[$0].isNaN }
    for block in blocks {
      for row in block.rows { for column in block.columns { covered[row * 31 + column] += 1 } }
    }
    #expect(covered == (0..<23 * 31).map { isUndefined($0 / 31, $0 % 31) ? 1 : 0 })
    #expect(zip(blocks, blocks.dropFirst()).allSatisfy { $0.area >= $1.area })
  }
}

@Suite struct TicksTests {
  @Test(arguments: [
    (0.0...1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    (-0.2...1.0, ["−0.2", "0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    (0.98...1.0, ["0.980", "0.985", "0.990", "0.995", "1.000"]),
    (0.0...300.0, ["0", "50", "100", "150", "200", "250", "300"]),
  ])
  func ticksAreRound(range: ClosedRange<Double>, labels: [String]) {
    #expect(scaleTicks(over: range, limit: 7).map(\.label) == labels)
  }

  @Test(arguments: [
    0.0...1e-300, 0.0...1e300, 0.123456789...0.123456790, 1e15...1e15 + 2, -1e-9...1e9, 0.31...0.39,
  ])
  func anyRangeHasTicksInside(range: ClosedRange<Double>) {
    for limit in 1...7 {
      let ticks = scaleTicks(over: range, limit: limit)
      #expect(!ticks.isEmpty && ticks.count <= max(limit, 2) * 3)
      #expect(ticks.allSatisfy { range.contains($0.value) && !$0.label.isEmpty })
    }
  }

  @Test func stepsAreNice() {
    let minima: [Double] = [0.15, 1, 1.1, 3, 7, 30, 99, 101]
    let steps: [Double] = [0.2, 1, 2, 5, 10, 50, 100, 200]
    for (minimum, step) in zip(minima, steps) { #expect(niceStep(atLeast: minimum) == step) }
  }
}
