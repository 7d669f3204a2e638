/**
 * Names of Outlook's and Exchange's own mailboxes that imapflow does not know, by their use, in lower case. Exchange
 * names them in the language of the mailbox.
 */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  '\\Sent': [
    'elements enviats',
    'išsiųsti elementai',
    'mục đã gửi',
    'nosūtītie vienumi',
    'poslane stavke',
    'poslani elementi',
    'skickade objekt',
    'изпратени елементи',
    'надіслані елементи',
    'العناصر المرسلة',
    'รายการที่ถูกส่ง',
    '已傳送郵件',
    '已发送项目',
    '보낸 항목',
  ],
  '\\Trash': [
    'elemente şterse',
    'item terhapus',
    'izbrisane stavke',
    'izbrisani elementi',
    'izbrisano',
    'izdzēstie vienumi',
    'odstránené položky',
    'odstránená pošta',
    'panaikinti elementai',
    'vymazané položky',
    'видалені елементи',
    'изтрити елементи',
    'รายการที่ถูกลบ',
    '刪除的郵件',
    '已刪除的郵件',
    '已删除项目',
    '지운 항목',
  ],
  '\\Drafts': ['bản nháp', 'schițe', 'schiţe', 'แบบร่าง'],
  '\\Junk': [
    'bezvrijedna pošta',
    'correio eletrónico não solicitado',
    'correo electrónico no deseado',
    'e-mail de lixo',
    'e-mail nedorit',
    'email de lixo',
    'email rác',
    'email sampah',
    'neželena e-pošta',
    'neželjena e-pošta',
    'roskasähköposti',
    'surogātpasts',
    'søppel-e-post',
    'البريد الإلكتروني غير الهام',
    'البريد غير الهام',
    'بريد إلكتروني غير هام',
    '垃圾電子郵件',
  ],
  '\\Archive': ['arquivar', 'เก็บถาวร', '보관'],
};

const USES = new Map(Object.entries(NAMES).flatMap(([use, names]) => names.map((name) => [fold(name), use] as const)));

/** Returns the use of a mailbox with this name, the last level of its path, or null. */
export const outlookUse = (name: string): string | null => USES.get(fold(name)) ?? null;

/** Returns the form in which names are compared. */
function fold(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\u200e\u200f]/g, '')
    .trim();
}
