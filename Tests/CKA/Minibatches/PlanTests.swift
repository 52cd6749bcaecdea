import Support
import Testing

@testable import CKA

@Suite struct PlanTests {
  private func plan(_ n: Int, _ settings: Estimator.Minibatches) throws -> MinibatchPlan {
    try MinibatchPlan(.minibatch(settings), exampleCount: n)
  }

  @Test func everyExampleOncePerPass() throws {
    let plan = try plan(1000, .init(size: 100, passes: 3))
    #expect(plan.batches.count == 30)
    for pass in 0..<3 {
      let examples = plan.batches[(pass * 10)..<(pass * 10 + 10)].flatMap { $0 }
      #expect(examples.sorted() == Array(0..<1000))
    }
    #expect(plan.batches[0] != plan.batches[10])
    #expect(plan.examplesUsed == 1000 && plan.examplesDropped == 0)
  }

  @Test func whatDoesNotFillAMinibatch() throws {
    let dropped = try plan(1003, .init(size: 100))
    #expect(dropped.batches.allSatisfy { $0.count == 100 })
    #expect(dropped.examplesUsed == 1000 && dropped.examplesDropped == 3)
    // Three examples have no HSIC, kept or not.
    let tooFew = try plan(1003, .init(size: 100, ragged: .keep))
    #expect(tooFew.examplesDropped == 3 && tooFew.batches.count == 10)
    let kept = try plan(1004, .init(size: 100, ragged: .keep))
    #expect(kept.examplesDropped == 0 && kept.batches.last?.count == 4)
  }

  @Test func oneBatchOfAllWhereThereAreFewer() throws {
    for n in [4, 99, 100] {
      let plan = try plan(n, .init(size: 100, passes: 5))
      #expect(Array(plan.batches) == [Array(0..<n)] && plan.passes == 1)
    }
    #expect(try Array(MinibatchPlan(.biased, exampleCount: 7).batches) == [Array(0..<7)])
    #expect(try plan(300, .init(size: 100, order: .stored)).batches[1] == Array(100..<200))
  }

  /// Half of 500 examples would fill no minibatch of 256.
  @Test func fewExamplesAreNotLeftOutForTheSizeOfMinibatches() throws {
    let expected = [(500, 250), (257, 256), (300, 150), (601, 200), (1000, 250), (10_000, 256)]
    for (n, size) in expected {
      let plan = try plan(n, .init())
      #expect(plan.batchSize == size && plan.examplesDropped <= n / 100, "\(n)")
      #expect(plan.batches.allSatisfy { $0.count == size })
    }
    for n in 4..<3000 { #expect(try plan(n, .init()).examplesDropped <= max(n / 100, 1)) }
  }

  @Test func aPlanOfManyPassesTakesNoMemory() throws {
    let before = ProcessMemory.now
    let plan = try plan(1000, .init(size: 10, passes: 1_000_000))
    #expect(plan.batches.count == 100_000_000)
    let last = plan.batches[plan.batches.count - 100..<plan.batches.count].flatMap { $0 }
    #expect(last.sorted() == Array(0..<1000))
    // A list of all would take 8 GB.
    #expect(ProcessMemory.now - before < 1 << 30)
  }

  @Test func impossiblePlansAreErrors() {
    for (n, settings) in [
      (-1, Estimator.Minibatches()), (100, .init(size: 3)), (100, .init(size: -4)),
      (100, .init(size: 0)), (100, .init(size: 10, passes: 0)), (100, .init(size: 10, passes: -1)),
      (100, .init(size: 10, passes: .max)), (2, .init(size: 10, passes: .max)),
    ] {
      #expect(throws: ComparisonError.self) { try self.plan(n, settings) }
    }
    #expect(throws: ComparisonError.self) { try MinibatchPlan(.unbiased, exampleCount: -1) }
  }

  /// The permutation is documented; these were computed by another program, in Python.
  @Test func thePermutationIsTheDocumentedOne() {
    #expect(MinibatchPlan.permutation(of: 10, seed: 0, pass: 0) == [1, 2, 5, 7, 0, 8, 4, 3, 9, 6])
    #expect(MinibatchPlan.permutation(of: 10, seed: 7, pass: 2) == [5, 8, 6, 3, 7, 2, 1, 4, 0, 9])
    #expect(MinibatchPlan.permutation(of: 1, seed: 0, pass: 0) == [0])
    #expect(MinibatchPlan.permutation(of: 0, seed: 0, pass: 0) == [])
  }
}
