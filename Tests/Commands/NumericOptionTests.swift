import Foundation
import TestSupport
import Testing

/// No number on the command line ends a command in a trap, an error of the software, or not at all.
struct NumericOptionTests {
  let cka: Cka

  init() throws {
    var cka = try Cka()
    // Debug builds on busy machines take seconds for what is right; what is wrong takes for ever.
    cka.prefix = ["/usr/bin/timeout", "--signal", "KILL", "60"]
    try cka.folder.write(TestModel(["a", "b", "c"]).npz, to: "m.npz")
    try cka.folder.write(NPYFile.bytes((0..<24).map { Double($0 % 3) }, shape: [24]), to: "y.npy")
    for seed in 0..<4 {
      let logits = Activations64.normal(n: 24, p: 3, seed: UInt64(seed) + 50).values
      try cka.folder.write(NPYFile.bytes(logits, shape: [24, 3]), to: "n\(seed).npy")
    }
    self.cka = cka
  }

  /// What is asked of every option that takes a number.
  private static let numbers = [
    "-1", "0", "1", "2147483647", "2147483648", "9223372036854775807", "1e308", "nan", "inf",
  ]

  /// A command that works without the option.
  private static let commands: [String: [String]] = [
    "compare": ["compare", "m.npz", "--batch-size", "8"],
    "compare-all": ["compare", "m.npz", "--estimator", "unbiased"],
    "compare-rbf": ["compare", "m.npz", "--kernel", "rbf", "--batch-size", "8"],
    "converge": ["converge", "m.npz", "--batch-sizes", "8", "--passes", "1", "--repeats", "1"],
    "components": ["components", "m.npz", "--components", "2", "--controls", "1"],
    "trust": ["trust", "m.npz", "--cell", "a,b", "--permutations", "9"],
    "probe": ["probe", "m.npz", "--labels", "y.npy"],
    "sweep": ["sweep", "m.npz", "--batch-size", "8"],
    "errors": [
      "errors", "--group", "a=n0.npy,n1.npy", "--group", "b=n2.npy,n3.npy", "--labels", "y.npy",
      "--logits", "--repeats", "9",
    ],
    "blocks": ["blocks", "result", "--permutations", "19"],
  ]

  @Test(arguments: [
    ("compare", "--batch-size"), ("compare", "--passes"), ("compare", "--seed"),
    ("compare", "--examples"), ("compare", "--memory"), ("compare-all", "--memory"),
    ("compare-all", "--examples"), ("compare-rbf", "--bandwidth"), ("compare-rbf", "--sigma"),
    ("converge", "--batch-sizes"), ("converge", "--passes"), ("converge", "--repeats"),
    ("converge", "--seed"), ("converge", "--examples"), ("converge", "--memory"),
    ("components", "--components"), ("components", "--remove"), ("components", "--controls"),
    ("components", "--seed"), ("components", "--examples"), ("components", "--memory"),
    ("trust", "--permutations"), ("trust", "--top"), ("trust", "--seed"), ("trust", "--examples"),
    ("trust", "--memory"), ("probe", "--memory"),
    ("probe", "--penalty"), ("probe", "--test-fraction"), ("probe", "--seed"),
    ("probe", "--examples"), ("sweep", "--batch-size"), ("sweep", "--passes"), ("sweep", "--seed"),
    ("sweep", "--examples"), ("sweep", "--memory"), ("errors", "--top"), ("errors", "--repeats"),
    ("errors", "--seed"), ("blocks", "--min-size"), ("blocks", "--min-contrast"),
    ("blocks", "--significance"), ("blocks", "--permutations"), ("blocks", "--seed"),
  ])
  func everyNumberEndsWellOrIsRefused(command: String, option: String) throws {
    if command == "blocks" {
      try cka("compare", "m.npz", "--device", "cpu", "--output", "result", "--quiet")
        .expectSuccess()
    }
    var words = try #require(Self.commands[command])
    // The option once: that of the table makes the command small.
    if let place = words.firstIndex(of: option) { words.removeSubrange(place...(place + 1)) }
    if command != "blocks", command != "errors" { words += ["--device", "cpu"] }
    for (index, number) in Self.numbers.enumerated() {
      let run = try cka.run(
        words + ["--output", "out-\(index)", "--quiet", "\(option)=\(number)"])
      #expect(
        [0, 64, 65].contains(run.code), "\(command) \(option)=\(number): \(run.code) \(run.errors)")
      #expect(run.code != 0 || run.errors.isEmpty, "\(run.errors)")
      #expect(cka.exists("out-\(index)") == (run.code == 0), "\(command) \(option)=\(number)")
    }
  }
}
