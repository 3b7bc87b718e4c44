export async function watchReview(): Promise<0> {
  return 0
}
