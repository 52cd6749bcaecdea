import Testing

@testable import CKA

@Suite struct PlanTests {
  private func plan(_ n: Int, _ settings: Estimator.Minibatches) -> MinibatchPlan {
    MinibatchPlan(.minibatch(settings), exampleCount: n)
  }

  @Test func everyExampleOncePerPass() {
    let plan = plan(1000, .init(size: 100, passes: 3))
    #expect(plan.batches.count == 30)
    for pass in 0..<3 {
      let examples = plan.batches[(pass * 10)..<(pass * 10 + 10)].flatMap { $0 }
      #expect(examples.sorted() == Array(0..<1000))
    }
    #expect(plan.batches[0] != plan.batches[10])
    #expect(plan.examplesUsed == 1000 && plan.examplesDropped == 0)
  }

  @Test func whatDoesNotFillAMinibatch() {
    let dropped = plan(1003, .init(size: 100))
    #expect(dropped.batches.allSatisfy { $0.count == 100 })
    #expect(dropped.examplesUsed == 1000 && dropped.examplesDropped == 3)
    // Three examples have no HSIC, kept or not.
    let tooFew = plan(1003, .init(size: 100, ragged: .keep))
    #expect(tooFew.examplesDropped == 3 && tooFew.batches.count == 10)
    let kept = plan(1004, .init(size: 100, ragged: .keep))
    #expect(kept.examplesDropped == 0 && kept.batches.last?.count == 4)
  }

  @Test func oneBatchOfAllWhereThereAreFewer() {
    for n in [4, 99, 100] {
      let plan = plan(n, .init(size: 100, passes: 5))
      #expect(plan.batches == [Array(0..<n)] && plan.passes == 1)
    }
    #expect(MinibatchPlan(.biased, exampleCount: 7).batches == [Array(0..<7)])
    #expect(plan(300, .init(size: 100, order: .stored)).batches[1] == Array(100..<200))
  }

  /// The permutation is documented; these were computed by another program, in Python.
  @Test func thePermutationIsTheDocumentedOne() {
    #expect(MinibatchPlan.permutation(of: 10, seed: 0, pass: 0) == [1, 2, 5, 7, 0, 8, 4, 3, 9, 6])
    #expect(MinibatchPlan.permutation(of: 10, seed: 7, pass: 2) == [5, 8, 6, 3, 7, 2, 1, 4, 0, 9])
    #expect(MinibatchPlan.permutation(of: 1, seed: 0, pass: 0) == [0])
    #expect(MinibatchPlan.permutation(of: 0, seed: 0, pass: 0) == [])
  }
}
