import Testing

@testable import Figures

@Suite struct ShortNamesTests {
  private func short(_ names: [String], to limit: Int) -> ShortNames {
    ShortNames(names) { $0.count <= limit }
  }

  @Test func whatFitsStaysWhole() {
    let names = short(["conv1", "conv2"], to: 5)
    #expect(names.texts == ["conv1", "conv2"] && names.pattern == nil)
  }

  @Test func commonEndsAreSaidOnce() {
    let numbers = (0..<12).map { (number: Int) -> String in String(number) }
    let names = short(numbers.map { "bert.encoder.layer.\($0).attention.output.dense" }, to: 20)
    #expect(names.texts == numbers)
    #expect(names.pattern == "bert.encoder.layer.*.attention.output.dense")
  }

  @Test func numbersAndWordsAreNotParted() {
    #expect(short(["layer10", "layer20"], to: 5).texts == ["10", "20"])
    #expect(short(["layer10", "layer20"], to: 5).pattern == "layer*")
    #expect(short(["block.relu", "block.reduce"], to: 6).texts == ["relu", "reduce"])
    // No name may become empty.
    #expect(short(["layer.1", "layer.1.conv"], to: 6).texts == ["1", "1.conv"])
    #expect(short(["a.x", "a.y.x"], to: 3).texts == ["x", "y.x"])
  }

  @Test func wordsAreCutAsFarAsTheyStayApart() {
    let names = short(
      [
        "0.attention.self.query", "0.attention.self.key", "11.attention.output.dense",
        "11.intermediate.dense",
      ], to: 14)
    #expect(names.texts == ["0.a.self.query", "0.a.self.key", "11.a.o.dense", "11.i.dense"])
  }

  @Test func theLastWordIsCutLast() {
    let layers = ["stem.conv", "stage1.block1.conv1", "stage2.block3.shortcut.norm", "head.pool"]
    #expect(
      short(layers, to: 16).texts
        == ["stem.conv", "sta1.bl1.conv1", "sta2.bl3.sh.norm", "head.pool"])
    #expect(
      short(layers, to: 14).texts
        == ["stem.conv", "sta1.b1.conv1", "sta2.b3.sh.nor", "head.pool"])
  }

  @Test(arguments: [1, 2, 3, 5, 8, 13, 21, 34])
  func differentNamesStayDifferent(limit: Int) {
    let blocks = (0..<300).map {
      "encoder.layers.\($0 / 6).\(["q", "k", "v", "out", "fc1", "fc2"][$0 % 6])"
    }
    let tails = (0..<300).map { String(repeating: "x", count: 10_000) + "\($0)" }
    let middles = (0..<300).map {
      String(repeating: "a", count: 5000) + "\($0)" + String(repeating: "b", count: 5000)
    }
    for names in [blocks, tails, middles, nastyNames, nastyNames.map { "model.\($0).x" }] {
      let texts = short(names, to: limit).texts
      #expect(texts.count == names.count)
      // Where three letters are too few for a number, it stands there all the same.
      #expect(Set(texts.filter { !$0.isEmpty }).count == texts.count { !$0.isEmpty } || limit < 3)
      #expect(texts.allSatisfy { $0.count <= max(limit, 4) })
    }
  }

  @Test func equalNamesStayEqual() {
    #expect(
      short(["same name", "same name"], to: 5).texts[0] == short(["same name"], to: 5).texts[0])
    #expect(short([], to: 3).texts.isEmpty)
  }
}
