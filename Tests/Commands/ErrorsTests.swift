import Foundation
import TestSupport
import Testing

/// `cka errors` as its users run it. The numbers themselves: `Tests/Analyses/ErrorAgreement`.
struct ErrorsTests {
  private struct Fixture: Decodable {
    var labels: [Int]
    var logits: [Double]
    var sizes: [Int]
    var classes: Int
    var accuracy: Accuracy
    struct Accuracy: Decodable {
      var first: Double
      var second: Double
      var p: Double
    }
  }

  static let files = [
    "agreement.npy", "classes.csv", "classes.pdf", "classes.png", "classes.svg", "divergence.npy",
    "errors.json",
    "examples.csv", "examples.pdf", "examples.png", "examples.svg", "hellinger.npy", "networks.csv",
  ]
  private let cka: Cka
  private let fixture: Fixture

  /// `wide-0.npy` … and `deep-0.npy` …: logits; `classes-wide-0.npy` …: the classes they predict.
  init() throws {
    cka = try Cka()
    fixture = try TestSupport.fixture("errors")
    try cka.folder.write(
      NPYFile.bytes(fixture.labels.map(Double.init), shape: [fixture.labels.count], type: .int64),
      to: "y.npy")
    let (n, c) = (fixture.labels.count, fixture.classes)
    for network in 0..<fixture.sizes.reduce(0, +) {
      let numbers = Array(fixture.logits[network * n * c..<(network + 1) * n * c])
      let name =
        network < fixture.sizes[0] ? "wide-\(network)" : "deep-\(network - fixture.sizes[0])"
      try cka.folder.write(
        NPYFile.bytes(numbers, shape: [n, c], type: .float64), to: "\(name).npy")
      let classes = (0..<n).map { example in
        let row = numbers[example * c..<(example + 1) * c]
        return Double((row.firstIndex(of: row.max() ?? 0) ?? 0) - example * c)
      }
      try cka.folder.write(
        NPYFile.bytes(classes, shape: [n], type: .uint8), to: "classes-\(name).npy")
    }
  }

  private func errors(_ options: String...) throws -> Run {
    try cka.run(["errors", "--repeats", "50"] + options)
  }

  private let logits = [
    "--group", "wide=wide-*.npy", "--group", "deep=deep-*.npy", "--logits", "--labels", "y.npy",
  ]

  private func run(_ options: String...) throws -> Run {
    try cka.run(["errors", "--repeats", "50"] + logits + options)
  }

  private func json(_ folder: String) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(cka.bytes("\(folder)/errors.json")))
    return try #require(object as? [String: Any])
  }

  @Test func writesWhatItSays() throws {
    let run = try run()
    run.expectSuccess()
    #expect(try cka.contents(of: "cka-errors") == Self.files)
    let json = try json("cka-errors")
    #expect(json["format"] as? String == "cka-errors/1")
    let accuracy = try #require(json["accuracy"] as? [String: Any])
    let first = try #require((accuracy["first"] as? [String: Any])?["mean"] as? Double)
    let welch = try #require(accuracy["welch"] as? [String: Any])
    #expect(abs(first - fixture.accuracy.first) < 1e-12)
    #expect(abs(try #require(welch["p"] as? Double) - fixture.accuracy.p) < 1e-11)
    #expect(run.output.contains("47.00 ± 4.57 %") && run.output.contains("52.50 ± 3.39 %"))
    #expect(run.output.contains("written to cka-errors"))
    let groups = try #require(json["groups"] as? [[String: Any]])
    #expect(groups.map { $0["name"] as? String } == ["wide", "deep"])
    let networks = try parseCSV(
      #require(String(validating: cka.bytes("cka-errors/networks.csv"), as: UTF8.self)))
    #expect(
      networks.map { $0[0] } == ["group"] + Array(repeating: "wide", count: 5)
        + Array(repeating: "deep", count: 4))
    let examples = try parseCSV(
      #require(String(validating: cka.bytes("cka-errors/examples.csv"), as: UTF8.self)))
    #expect(examples.count == 41 && examples.allSatisfy { $0.count == 10 })
    let mean = examples.dropFirst().compactMap { Double($0[3]) }.reduce(0, +) / 40
    #expect(abs(mean - fixture.accuracy.first) < 1e-12)
  }

  /// The number that was asked for stood in the summary as a fact, however few examples there are.
  @Test func noMoreExamplesAreAheadThanThereAre() throws {
    let run = try run("--top", "9223372036854775807")
    run.expectSuccess()
    let document = try json("cka-errors")
    for (key, name) in [("firstAhead", "wide"), ("secondAhead", "deep")] {
      let ahead = try #require(document[key] as? [String: Any])
      let count = try #require(ahead["examples"] as? [Any]).count
      #expect(count > 1 && count <= 40 && ahead["limit"] as? Int == 40)
      #expect(
        run.output.contains("the \(count) examples on which \(name) is furthest ahead"),
        "\(run.output)")
    }
  }

  @Test func sameSeedSameBytes() throws {
    try run("--seed", "3", "--output", "one", "--quiet").expectSuccess()
    try run("--seed", "3", "--output", "two", "--quiet").expectSuccess()
    for name in Self.files where name != "errors.json" {
      #expect(try cka.bytes("one/\(name)") == cka.bytes("two/\(name)"), "\(name)")
    }
    // Fifty of 126 divisions: another seed takes others.
    try run("--seed", "4", "--output", "three", "--quiet").expectSuccess()
    #expect(try cka.bytes("one/examples.csv") != cka.bytes("three/examples.csv"))
  }

  @Test func classesAreEnoughForCounts() throws {
    let run = try errors(
      "--group", "wide=classes-wide-*.npy", "--group", "deep=classes-deep-*.npy", "--labels",
      "y.npy")
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("need probabilities or logits"))
    try self.run("--output", "logits", "--quiet").expectSuccess()
    #expect(!cka.exists("cka-errors/divergence.npy"))
    for name in ["examples.csv", "classes.csv", "agreement.npy", "examples.png"] {
      #expect(try cka.bytes("cka-errors/\(name)") == cka.bytes("logits/\(name)"), "\(name)")
    }
  }

  @Test func groupsOfClassesFromBothFormats() throws {
    try cka.folder.write("cat\ndog\ncar\r\nbus\n", to: "names.txt")
    try cka.folder.write(
      #"{"animal": ["cat", "dog"], "thing": ["vehicle"], "vehicle": ["car", "bus"]}"#, to: "h.json")
    try cka.folder.write(
      "child,parent\ncat,animal\ndog,animal\ncar,vehicle\nbus,vehicle\nvehicle,thing\n", to: "h.csv"
    )
    for name in ["h.json", "h.csv"] {
      try run(
        "--class-names", "names.txt", "--hierarchy", name, "--output", "out-\(name)", "--quiet"
      ).expectSuccess()
    }
    let table = try parseCSV(
      #require(String(validating: cka.bytes("out-h.json/class-groups.csv"), as: UTF8.self)))
    #expect(table.map { $0[0] } == ["name", "animal", "vehicle"])
    #expect(table.map { $0[1] } == ["classes", "0 1", "2 3"])
    #expect(
      try cka.bytes("out-h.json/class-groups.csv") == cka.bytes("out-h.csv/class-groups.csv"))
    #expect(cka.exists("out-h.csv/class-groups.svg"))
    let classes = try parseCSV(
      #require(String(validating: cka.bytes("out-h.json/classes.csv"), as: UTF8.self)))
    #expect(classes.map { $0[0] } == ["name", "cat", "dog", "car", "bus"])
  }

  @Test func aLayerOfAModel() throws {
    let (n, c) = (fixture.labels.count, fixture.classes)
    for name in ["wide-0", "wide-1", "deep-0", "deep-1"] {
      let logits = try cka.bytes("\(name).npy")
      try cka.folder.write(
        ZipFile.bytes([
          ("body.npy", NPYFile.bytes([Double](repeating: 1, count: n * c), shape: [n, c])),
          ("head.npy", logits),
        ]), to: "\(name).npz")
    }
    let groups = ["--group", "a=wide-0.npz,wide-1.npz", "--group", "b=deep-0.npz,deep-1.npz"]
    let common = ["errors"] + groups + ["--labels", "y.npy", "--logits"]
    try cka.run(common).expectFailure(64, "wide-0.npz", "2 layers", "--layer")
    try cka.run(common + ["--layer", "tail"]).expectFailure(64, "no layer matches tail")
    let run = try cka.run(common + ["--layer", "head", "--repeats", "20"])
    run.expectSuccess(messages: 1)
    #expect(run.errors.contains("only 6 ways"))
    try errors(
      "--group", "a=wide-0.npy,wide-1.npy", "--group", "b=deep-0.npy", "--group", "b=deep-1.npy",
      "--labels", "y.npy", "--logits", "--output", "plain", "--quiet"
    ).expectSuccess()
    #expect(try cka.bytes("cka-errors/classes.csv") == cka.bytes("plain/classes.csv"))
  }

  @Test func badInput() throws {
    let (n, c) = (fixture.labels.count, fixture.classes)
    func fails(
      _ code: Int32, _ options: [String], _ words: String...,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      try cka.run(["errors"] + options).expectFailure(
        code, words, sourceLocation: sourceLocation)
      #expect(!cka.exists("cka-errors"), sourceLocation: sourceLocation)
    }
    let wide = ["--group", "wide=wide-*.npy"], deep = ["--group", "deep=deep-*.npy"]
    let labels = ["--labels", "y.npy", "--logits"]
    try fails(64, wide + labels, "found 1 group (wide)", "expected two")
    try fails(64, wide + deep + ["--group", "x=wide-0.npy"] + labels, "found 3 groups")
    try fails(64, wide + ["--group", "deep"] + labels, "'deep'", "NAME=PATH")
    try fails(
      64, wide + ["--group", "deep=wide-1.npy"] + labels, "wide-1.npy: is in both wide and deep")
    try fails(66, wide + ["--group", "deep=none-*.npy"] + labels, "none-*.npy", "matches no")
    try fails(66, wide + ["--group", "deep=none.npy"] + labels, "none.npy")
    try fails(65, wide + ["--group", "deep=deep-0.npy"] + labels, "group deep", "one network")
    try fails(65, wide + deep + ["--labels", "y.npy"], "wide-0.npy", "probabilit", "logits")
    try fails(
      65, ["--group", "a=classes-wide-*.npy"] + deep + labels, "classes-wide-0.npy", "one number")

    func write(_ numbers: [Double], _ shape: [Int], _ name: String) throws {
      try cka.folder.write(NPYFile.bytes(numbers, shape: shape), to: name)
    }
    let truth = fixture.labels.map(Double.init)
    try write(Array(truth.dropLast()), [n - 1], "short.npy")
    try fails(
      65, wide + deep + ["--labels", "short.npy", "--logits"], "wide-0.npy", "40 examples",
      "expected 39")
    try write(truth.map { min($0, 2) }, [n], "missing.npy")
    try fails(65, wide + deep + ["--labels", "missing.npy", "--logits"], "label 3")
    try write([0.5] + truth.dropFirst(), [n], "half.npy")
    try fails(65, wide + deep + ["--labels", "half.npy", "--logits"], "half.npy", "0.5")
    try write([9] + truth.dropFirst(), [n], "large.npy")
    try fails(65, wide + deep + ["--labels", "large.npy", "--logits"], "4 classes", "is 9")
    var even = [Double](repeating: 0.25, count: n * c)
    try write(even, [n, c], "even.npy")
    // Probabilities of one group beside logits of the other.
    try fails(
      65, ["--group", "a=wide-0.npy,even.npy"] + deep + labels, "even.npy", "expected logits",
      "probabilities")
    even[7] = 0.35
    try write(even, [n, c], "uneven.npy")
    try fails(
      65, ["--group", "a=even.npy,uneven.npy"] + deep + ["--labels", "y.npy"], "uneven.npy",
      "example 1", "add up to 1.1")
    even[7] = .nan
    try write(even, [n, c], "nan.npy")
    try fails(
      65, ["--group", "a=uneven.npy,nan.npy"] + deep + labels, "nan.npy", "example 1", "nan")
    try write(Array(even.dropLast(n)).map { $0.isNaN ? 0 : $0 }, [n, c - 1], "narrow.npy")
    try fails(
      65, ["--group", "a=wide-0.npy,narrow.npy"] + deep + labels, "narrow.npy", "3 classes")

    try cka.folder.write("a\nb\n", to: "two.txt")
    try fails(65, wide + deep + labels + ["--class-names", "two.txt"], "two.txt", "expected 4")
    try cka.folder.write("a\nb\na\nc\n", to: "twice.txt")
    try fails(65, wide + deep + labels + ["--class-names", "twice.txt"], "line 3", "'a'")
    for (name, text, words) in [
      ("loop.csv", "child,parent\n0,x\n1,x\n2,y\n3,y\nx,y\ny,x\n", ["contains itself"]),
      ("lacks.json", #"{"x": ["0", "1"]}"#, ["lacks the class '2'"]),
      ("odd.json", #"{"x": "0"}"#, ["object of lists"]),
      ("header.csv", "parent,child\n", ["line 1", "child,parent"]),
      ("single.csv", "child,parent\n0,x\n1,y\n2,z\n3,w\n", ["no group with at least"]),
    ] {
      try cka.folder.write(text, to: name)
      try cka.run(["errors"] + wide + deep + labels + ["--hierarchy", name]).expectFailure(
        65, [name] + words)
    }
    try run("--quiet").expectSuccess()
    try run().expectFailure(73, "cka-errors: exists")
    try run("--force", "--quiet").expectSuccess()
  }

  @Test func otherExamplesAreRefused() throws {
    let (n, c) = (fixture.labels.count, fixture.classes)
    let numbers = [Double](repeating: 0, count: n * c)
    for (folder, first) in [("one", 0), ("two", 0), ("three", 1), ("four", 0)] {
      try cka.folder.write(NPYFile.bytes(numbers, shape: [n, c]), to: "\(folder)/logits.npy")
      let ids = (0..<n).map { ($0 + first) % n }
      try cka.folder.write(sampleIDs(ids), to: "\(folder)/layers.json")
    }
    try errors(
      "--group", "a=one,two", "--group", "b=three,four", "--labels", "y.npy", "--logits"
    ).expectFailure(65, "three", "example 0", "\"1\"", "expected \"0\"")
  }
}
