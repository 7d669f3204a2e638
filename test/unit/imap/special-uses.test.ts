import { expect, test } from 'vitest';
import { specialUses } from '../../../src/imap/special-uses.ts';

const mailbox = (path: string, ...attributes: string[]) => ({
  path,
  rawName: path,
  delimiter: '/',
  attributes: new Set(attributes),
});
const usesOf = (...mailboxes: ReturnType<typeof mailbox>[]) => Object.fromEntries(specialUses(mailboxes));

/** The mailboxes of Outlook in each language: sent, deleted, drafts, junk, archive. */
const OUTLOOK: Record<string, [sent: string, trash: string, drafts: string, junk: string, archive: string]> = {
  Arabic: ['العناصر المرسلة', 'العناصر المحذوفة', 'المسودات', 'البريد الإلكتروني غير الهام', 'أرشيف'],
  Bulgarian: ['Изпратени елементи', 'Изтрити елементи', 'Чернови', 'Нежелана поща', 'Архив'],
  'Chinese, simplified': ['已发送邮件', '已删除邮件', '草稿', '垃圾邮件', '存档'],
  'Chinese, traditional': ['寄件備份', '刪除的郵件', '草稿', '垃圾郵件', '封存'],
  Croatian: ['Poslane stavke', 'Izbrisane stavke', 'Skice', 'Bezvrijedna pošta', 'Arhiva'],
  Czech: ['Odeslaná pošta', 'Odstraněná pošta', 'Koncepty', 'Nevyžádaná pošta', 'Archiv'],
  Danish: ['Sendt post', 'Slettet post', 'Kladder', 'Uønsket mail', 'Arkiv'],
  Dutch: ['Verzonden items', 'Verwijderde items', 'Concepten', 'Ongewenste e-mail', 'Archief'],
  English: ['Sent Items', 'Deleted Items', 'Drafts', 'Junk Email', 'Archive'],
  Estonian: ['Saadetud üksused', 'Kustutatud üksused', 'Mustandid', 'Rämpspost', 'Arhiiv'],
  Finnish: ['Lähetetyt', 'Poistetut', 'Luonnokset', 'Roskasähköposti', 'Arkisto'],
  French: ['Éléments envoyés', 'Éléments supprimés', 'Brouillons', 'Courrier indésirable', 'Archives'],
  German: ['Gesendete Elemente', 'Gelöschte Elemente', 'Entwürfe', 'Junk-E-Mail', 'Archiv'],
  Greek: ['Απεσταλμένα', 'Διαγραμμένα', 'Πρόχειρα', 'Ανεπιθύμητη αλληλογραφία', 'Αρχειοθήκη'],
  Hebrew: ['פריטים שנשלחו', 'פריטים שנמחקו', 'טיוטות', 'דואר זבל', 'ארכיון'],
  Hungarian: ['Elküldött elemek', 'Törölt elemek', 'Piszkozatok', 'Levélszemét', 'Archívum'],
  Italian: ['Posta inviata', 'Posta eliminata', 'Bozze', 'Posta indesiderata', 'Archivio'],
  Japanese: ['送信済みアイテム', '削除済みアイテム', '下書き', '迷惑メール', 'アーカイブ'],
  Korean: ['보낸 편지함', '지운 편지함', '임시 보관함', '정크 메일', '보관'],
  Latvian: ['Nosūtītie vienumi', 'Izdzēstie vienumi', 'Melnraksti', 'Surogātpasts', 'Arhīvs'],
  Lithuanian: ['Išsiųsti elementai', 'Panaikinti elementai', 'Juodraščiai', 'Šlamštas', 'Archyvas'],
  Norwegian: ['Sendte elementer', 'Slettede elementer', 'Kladd', 'Søppelpost', 'Arkiv'],
  Polish: ['Elementy wysłane', 'Elementy usunięte', 'Wersje robocze', 'Wiadomości-śmieci', 'Archiwum'],
  'Portuguese, Brazil': ['Itens Enviados', 'Itens Excluídos', 'Rascunhos', 'Lixo Eletrônico', 'Arquivo Morto'],
  'Portuguese, Portugal': ['Itens Enviados', 'Itens Eliminados', 'Rascunhos', 'E-mail de Lixo', 'Arquivo'],
  Romanian: ['Elemente trimise', 'Elemente șterse', 'Schițe', 'E-mail nedorit', 'Arhivă'],
  Russian: ['Отправленные', 'Удаленные', 'Черновики', 'Нежелательная почта', 'Архив'],
  Slovak: ['Odoslaná pošta', 'Odstránená pošta', 'Koncepty', 'Nevyžiadaná pošta', 'Archív'],
  Slovenian: ['Poslano', 'Izbrisano', 'Osnutki', 'Neželena e-pošta', 'Arhiv'],
  Spanish: ['Elementos enviados', 'Elementos eliminados', 'Borradores', 'Correo no deseado', 'Archivo'],
  Swedish: ['Skickade objekt', 'Borttagna objekt', 'Utkast', 'Skräppost', 'Arkiv'],
  Thai: ['รายการที่ถูกส่ง', 'รายการที่ถูกลบ', 'แบบร่าง', 'อีเมลขยะ', 'เก็บถาวร'],
  Turkish: ['Gönderilmiş Öğeler', 'Silinmiş Öğeler', 'Taslaklar', 'Önemsiz E-posta', 'Arşiv'],
  Ukrainian: ['Надіслані елементи', 'Видалені елементи', 'Чернетки', 'Небажана пошта', 'Архів'],
  Vietnamese: ['Mục Đã gửi', 'Mục Đã xóa', 'Bản nháp', 'Email Rác', 'Lưu trữ'],
};

test.each(Object.entries(OUTLOOK))('the mailboxes of Outlook in %s have their uses', (_, names) => {
  const uses = ['\\Sent', '\\Trash', '\\Drafts', '\\Junk', '\\Archive'];
  const wanted = Object.fromEntries(names.map((name, i) => [name, uses[i]]));
  expect(usesOf(mailbox('INBOX'), ...names.map((name) => mailbox(name)))).toEqual({ INBOX: '\\Inbox', ...wanted });
});

test('an attribute counts, even if the server offers no SPECIAL-USE', () => {
  const listed = [mailbox('Sent'), mailbox('Postausgang 2', '\\hasnochildren', '\\sent')];
  expect(usesOf(...listed)).toEqual({ 'Postausgang 2': '\\Sent' });
});

test('a name that only begins like a use is a mailbox of the user', () => {
  expect(usesOf(mailbox('Sent to clients'), mailbox('Deleted scenes'), mailbox('Archive 2019'))).toEqual({});
});

test('of two mailboxes with the same use, the upper one has it', () => {
  expect(usesOf(mailbox('INBOX/Skickade objekt'), mailbox('Skickade objekt'))).toEqual({ 'Skickade objekt': '\\Sent' });
});
